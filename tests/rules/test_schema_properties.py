"""Laws of the schema rules, on configs in which keys, types and ranges are mutated."""

import json
import sys

import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pruneconf.config import Reading, read_config
from pruneconf.config.check import check
from pruneconf.config.foreign import FOREIGN, meant
from pruneconf.config.keys import CAP, EXCLUDE, KEYS, RATIOS, SELECTORS
from pruneconf.config.schema import schema_text
from pruneconf.config.spotless import is_spotless
from pruneconf.document import Scalar, parse, plain
from pruneconf.findings import Severity
from pruneconf.rules import lint

CHECK = sys.modules["pruneconf.config.check"]
VALIDATOR = jsonschema_rs.Draft7Validator(json.loads(schema_text()))

names = st.sampled_from(["conv1", "layer1.0", "Conv2d", "default", "", " ", "yes", "Größe", "0"])
numbers = st.sampled_from([0, 1, -1, 2, 80, 100, 0.0, 1.0, 0.5, -0.5, 1.5, 0.999, 1e300, 10**30, 1e-9])
strange = st.sampled_from(
    [None, True, False, "", "0.5", "80%", "no", "true", "a, b", {}, {"a": 1}, [], [0.5], [[]], [None]]
)
values = st.one_of(numbers, strange, names, st.lists(st.one_of(names, numbers, strange), max_size=3))
misspelt = st.sampled_from(KEYS).flatmap(
    lambda key: st.integers(0, len(key) - 1).flatmap(
        lambda i: st.sampled_from([key[:i] + key[i + 1 :], key[:i] + "x" + key[i:], key.upper(), key.replace("_", "-")])
    )
)
keys = st.one_of(
    st.sampled_from(KEYS),
    misspelt,
    st.sampled_from(sorted(FOREIGN)),
    st.text(st.sampled_from("aeiox_ é~/\n\"'"), max_size=4),
)
selectors = st.dictionaries(
    st.sampled_from(SELECTORS), st.lists(names.filter(bool), min_size=1, max_size=3), min_size=1
)
ratios = st.sampled_from([0, 0.5, 0.995])
amounts = st.one_of(
    st.sampled_from(RATIOS).flatmap(lambda key: st.fixed_dictionaries({key: ratios})),
    st.fixed_dictionaries({"total_sparsity": ratios, CAP: st.sampled_from([1, 0.5])}),
    st.just({EXCLUDE: True}),
)
sound = st.tuples(selectors, amounts).map(lambda parts: parts[0] | parts[1])


@st.composite
def mutated(draw):
    """A sub-config that was sound before up to three mistakes."""
    items = list(draw(sound).items())
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.integers(0, len(items)))
        action = draw(st.sampled_from(["key", "value", "add", "remove"]))
        if action == "add" or where == len(items):
            items.insert(where, (draw(keys), draw(values)))
        elif action == "remove":
            del items[where]
        else:
            key, value = items[where]
            items[where] = (draw(keys), value) if action == "key" else (key, draw(values))
    return dict(items)


configs = st.one_of(
    st.lists(st.one_of(mutated(), mutated(), sound, values), max_size=4),
    st.dictionaries(keys, values, max_size=2),
    values,
)


def found_in(data, name="config.yaml"):
    return lint(read_config(parse(json.dumps(data, ensure_ascii=False, indent=1), name)))


def errors(found):
    return [finding for finding in found if finding.severity is Severity.ERROR]


@given(configs, st.randoms(use_true_random=False))
def test_order_of_errors_does_not_matter(data, rng):
    listed = list(CHECK._errors(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CHECK, "_errors", lambda data: rng.sample(listed, len(listed)))
        shuffled = check(data)
    assert shuffled == check(data)


@given(configs)
@example([{"op_types": ["Conv2d"], "sparsity_per_layer": 10**63}])
def test_both_validators_give_the_same_faults(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CHECK, "_fast_validator", lambda: None)
        reference = check(data)
    assert reference == check(data)


@given(configs, st.sampled_from(["config.yaml", "config.json"]))
def test_invalid_exactly_if_an_error_is_found(data, name):
    document = parse(json.dumps(data, ensure_ascii=False, indent=1), name)
    assert document.problems == ()
    assert VALIDATOR.is_valid(plain(document.root)) == (errors(lint(read_config(document))) == [])


@given(st.one_of(configs, st.lists(sound, max_size=3)))
@example([{"op_types": ["Conv2d"], "total_sparsity": 0.5, CAP: 1.0}])
@example([{"op_types": ["Conv2d"], "sparsity_per_layer": 0.981}])
def test_a_spotless_config_has_no_findings(data):
    if is_spotless(data):
        assert VALIDATOR.is_valid(data)
        document = parse(json.dumps(data), "config.yaml")
        assert lint(Reading(document, (), (), spotless=False)) == []


@pytest.mark.parametrize(
    "amount",
    [{"sparsity_per_layer": 0.5}, {"total_sparsity": 0.5}, {"total_sparsity": 0.5, CAP: 0.9}, {EXCLUDE: True}],
)
def test_usual_configs_are_spotless(amount):
    assert is_spotless([{"op_types": ["Conv2d"], "op_names": ["a", "b"], **amount}])


@given(configs)
def test_one_finding_for_a_place_and_rule(data):
    found = found_in(data)
    places = [(finding.rule.code, finding.place.pointer) for finding in found]
    assert len(places) == len(set(places))


@given(configs, st.sampled_from(["config.yaml", "config.json"]))
def test_place_is_what_the_message_quotes(data, name):
    for finding in found_in(data, name):
        place = finding.place
        text = place.document.text[place.start : place.end]
        assert text
        assert "\n" not in text
        scalar = parse(text, "value.yaml").root
        if isinstance(scalar, Scalar) and scalar.value not in {"", None} and text not in {"{", "["}:
            quoted = {f"`{text}`", f"`{scalar.value}`"}
            key = place.pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
            assert any(quote in finding.message for quote in quoted) or f"`{key}`" in finding.message


@given(configs, st.sampled_from(["config.yaml", "config.json"]))
def test_a_fix_mends_its_finding(data, name):
    for finding in found_in(data, name):
        if finding.fix is None:
            continue
        text = finding.place.document.text
        for edit in sorted(finding.fix.edits, key=lambda edit: -edit.start):
            text = text[: edit.start] + edit.text + text[edit.end :]
        document = parse(text, name)
        assert document.problems == ()
        before, after = found_in(data, name), lint(read_config(document))
        assert of_rule(after, finding) < of_rule(before, finding)


def of_rule(found, one):
    return sum(finding.rule is one.rule for finding in found)


@given(st.lists(sound, max_size=4))
def test_sound_configs_have_no_errors(data):
    assert errors(found_in(data)) == []


@given(misspelt.filter(lambda key: key not in KEYS))
def test_a_key_with_one_slip_is_recognised(key):
    assert meant(key) in KEYS


@given(st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda text: not set(text.lower()) & set("aeo")))
def test_nothing_is_offered_where_nothing_is_near(key):
    assert meant(key) is None


@pytest.mark.parametrize(
    "key", ["colour", "comment", "include", "layer", "layers", "ratio", "amount", "prune", "x", "", "_", "-"]
)
def test_nothing_is_offered_for_other_words(key):
    assert meant(key) is None


@pytest.mark.parametrize(
    ("key", "near"),
    {
        "op_type": "op_types",
        "opTypes": "op_types",
        "op-names": "op_names",
        "names": "op_names",
        "types": "op_types",
        "partial_names": "op_partial_names",
        "max_sparsity": "max_sparsity_per_layer",
        "per_layer": "sparsity_per_layer",
        "Sparsity": "sparsity_per_layer",
        "total": "total_sparsity",
        "exclue": "exclude",
    }.items(),
)
def test_the_nearest_key_is_offered(key, near):
    assert meant(key) == near
