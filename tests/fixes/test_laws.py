"""What holds for fixes and suppressions of any config, in block style, flow style and JSON, with comments between."""

from __future__ import annotations

import json
import re
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneconf.config import read_config
from pruneconf.document import parse, plain
from pruneconf.document.comments import comments
from pruneconf.document.edits import addition, insertion, removal, removal_of
from pruneconf.document.nodes import Mapping, Sequence
from pruneconf.findings.fixes import carry_out, compatible
from pruneconf.plan import resolve
from pruneconf.rules import lint
from pruneconf.rules.comments.ignores import silence
from pruneconf.rules.engine import examine
from pruneconf.rules.mend import mend
from tests.document.texts import written
from tests.plan.strategies import cases
from tests.rules.test_schema_properties import configs


@st.composite
def texts(draw, data):
    """A config list as a text, and its name: every list and mapping in block or flow style, comments between."""
    style = draw(st.sampled_from(["block", "block", "flow", "lines", "json"]))
    if style == "json":
        return json.dumps(data, indent=draw(st.sampled_from([None, 1])), ensure_ascii=False), "config.json"
    if style != "block" or not all(isinstance(item, dict) and item for item in data) or not data:
        return json.dumps(data, indent=2 if style == "lines" else None, ensure_ascii=False), "config.yaml"
    lines = []
    for item in data:
        head = "- "
        for key, value in item.items():
            if draw(st.integers(0, 5)) == 0:
                lines.append(f"{'' if head == '- ' else '  '}# about {len(lines)}")
            tail = draw(st.sampled_from(["", "", "  # why"]))
            block = isinstance(value, list) and value and draw(st.booleans())
            if block:
                lines.append(f"{head}{json.dumps(key, ensure_ascii=False)}:{tail}")
                lines += [f"    - {json.dumps(entry, ensure_ascii=False)}{tail}" for entry in value]
            else:
                lines.append(
                    f"{head}{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}{tail}"
                )
            head = "  "
    return draw(st.sampled_from(["\n", "\r\n"])).join([*lines, ""]), "config.yaml"


lists = configs.filter(lambda data: isinstance(data, list))


@given(st.data(), lists)
def test_fixes_converge_and_leave_nothing_to_fix(data, config):
    text, name = data.draw(texts(config))
    unsafe = data.draw(st.booleans())
    wanted = (lambda finding: True) if unsafe else (lambda finding: finding.fix.safe)
    done = mend(read_config(parse(text, name)), examine, wanted)
    left_out = {(one.finding.rule.code, one.finding.message) for one in done.left_out}
    for finding in done.examined.findings:
        if finding.fix is not None and wanted(finding):
            assert (finding.rule.code, finding.message) in left_out
    again = mend(done.reading, examine, lambda finding: wanted(finding) and not left_out)
    assert again.reading.document.text == done.reading.document.text


@given(st.data(), lists)
def test_each_batch_of_fixes_keeps_the_text_sound_and_every_other_byte(data, config):
    text, name = data.draw(texts(config))
    document = parse(text, name)
    batch = compatible(lint(read_config(document)))
    spans = sorted({edit for finding in batch for edit in finding.fix.edits})
    assert all(one.end <= other.start for one, other in pairwise(spans))
    edited = carry_out(text, batch)
    at = 0
    for edit in spans:
        kept = text[at : edit.start]
        assert kept in edited
        at = edit.end
    for finding in batch:
        assert parse(carry_out(text, [finding]), name).root is not None


@given(cases(), st.data())
def test_safe_fixes_do_not_change_what_is_pruned(case, data):
    graph, config = case
    text, name = data.draw(texts(config))
    before = read_config(parse(text, name))
    done = mend(before, lambda reading: examine(reading, graph), lambda finding: finding.fix.safe)
    if before.config is not None and "PC202" not in codes(done.fixed):
        assert done.reading.config is not None
        fates = [
            [(entry.layer.name, entry.action, entry.ratio and entry.ratio.value, entry.masked) for entry in plan.layers]
            for plan in (resolve(before.config, graph), resolve(done.reading.config, graph))
        ]
        assert fates[0] == fates[1]


def codes(findings):
    return {finding.rule.code for finding in findings}


@given(written(), st.data())
def test_what_is_taken_out_is_gone_and_all_else_stays(source, data):
    document = parse(source.text, "x.yaml")
    path = data.draw(st.sampled_from(sorted(paths(document.root, ()), key=str)))
    siblings = sorted((one for one in paths(document.root, ()) if one[:-1] == path[:-1] and one != path), key=str)
    taken = [path, *data.draw(st.lists(st.sampled_from(siblings), unique=True) if siblings else st.just([]))]
    edits = removal(document, *taken)
    if not edits:
        return
    text = source.text
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    after = parse(text, "x.yaml")
    assert after.root is not None
    assert plain(after.root) == reduce(without, sorted(taken, key=lambda one: one[-1], reverse=True), source.data)
    gone = "".join(source.text[edit.start : edit.end] for edit in edits)
    kept = [comment.text for comment in comments(document) if comment.text not in gone]
    assert [comment.text for comment in comments(after) if comment.text not in gone] == kept


@given(written(), st.data())
def test_what_is_inserted_is_there_and_all_else_stays(source, data):
    document = parse(source.text, "x.yaml")
    places = [path for path in paths(document.root, ()) if document.key(path)]
    if not places:
        return
    path = data.draw(st.sampled_from(places))
    edits = insertion(document, path, "new_key", "0.5")
    text = source.text
    for edit in edits:
        text = text[: edit.start] + edit.text + text[edit.end :]
    if edits:
        root = parse(text, "x.yaml")
        assert root.find((*path[:-1], "new_key")).value == 0.5
        assert [comment.text for comment in comments(root)] == source.comments
        assert plain(parse(carry(text, removal(root, (*path[:-1], "new_key"))), "x.yaml").root) == source.data


@given(written(), st.data())
def test_what_is_written_behind_a_list_is_there_and_all_else_stays(source, data):
    document = parse(source.text, "x.yaml")
    places = [path for path in [(), *paths(document.root, ())] if isinstance(document.find(path), Sequence)]
    if not places:
        return
    path = data.draw(st.sampled_from(places))
    names = st.lists(st.sampled_from(["fc", "no", "3", "a b", "it's"]), min_size=1, max_size=2)
    values = data.draw(names | names.map(lambda some: [{"op_names": some, "exclude": True}]))
    edits = addition(document, path, values)
    if edits:
        after = parse(carry(source.text, edits), "x.yaml")
        assert [plain(item) for item in after.find(path).items] == [*map(plain, document.find(path).items), *values]
        assert [comment.text for comment in comments(after)] == source.comments
        count = len(document.find(path).items)
        for _ in values:
            after = parse(carry(after.text, removal(after, (*path, count))), "x.yaml")
        assert plain(after.root) == source.data


@pytest.mark.parametrize(
    ("text", "name", "after"),
    [
        ("- a\n", "x.yaml", "- a\n- op_names: [fc]\n  exclude: true\n"),
        ("x:\r\n  - a  # why", "x.yaml", "x:\r\n  - a  # why\r\n  - op_names: [fc]\r\n    exclude: true"),
        ("x: [a]\n", "x.yaml", "x: [a, {op_names: [fc], exclude: true}]\n"),
        ('{"x": [\n  "a"\n]}\n', "x.json", '{"x": [\n  "a",\n  {"op_names": ["fc"], "exclude": true}\n]}\n'),
        (
            "x = [{'op_names': ['a'], 'exclude': True}]\n",
            "x.py",
            "x = [{'op_names': ['a'], 'exclude': True}, {\"op_names\": [\"fc\"], \"exclude\": True}]\n",
        ),
        ("x: []\n", "x.yaml", "x: []\n"),
        ("x: [&a b, *a]\n", "x.yaml", "x: [&a b, *a]\n"),
    ],
)
def test_a_sub_config_is_written_in_the_style_of_the_list(text, name, after):
    path = () if text.startswith("-") else ("x",)
    edits = addition(parse(text, name), path, [{"op_names": ["fc"], "exclude": True}])
    assert (carry(text, edits) if edits else text) == after


def carry(text, edits):
    assert edits
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def paths(node, path):
    """The paths of all items and entries."""
    if isinstance(node, Mapping):
        steps = [(entry.key.value, entry.value) for entry in node.entries]
    else:
        steps = list(enumerate(node.items)) if isinstance(node, Sequence) else []
    for step, child in steps:
        yield (*path, step)
        yield from paths(child, (*path, step))


def without(data, path):
    """The data without the item or entry at a path."""
    step, *rest = path
    parts = dict(enumerate(data)) if isinstance(data, list) else dict(data)
    if rest:
        parts[step] = without(parts[step], rest)
    else:
        del parts[step]
    return list(parts.values()) if isinstance(data, list) else parts


@given(lists, st.data())
def test_comments_silence_exactly_what_they_name(config, data):
    text, name = data.draw(texts(config))
    reading = read_config(parse(text, name))
    found = examine(reading).findings
    named = data.draw(st.sets(st.sampled_from(sorted(codes(found)) or ["PC110"]), min_size=1))
    if name == "config.json" or reading.document.root is None:
        return
    head = f"# pruneconf: ignore-file[{', '.join(sorted(named))}]\n"
    after = examine(read_config(parse(head + text, name)))
    assert codes(after.suppressed) == codes(found) & named
    kept = [(one.rule.code, one.message) for one in after.findings if one.rule.code != "PC901"]
    assert kept == [(one.rule.code, one.message) for one in found if one.rule.code not in named]
    assert ("PC901" in codes(after.findings)) == bool(named - codes(found))


@given(lists, st.data())
def test_added_comments_silence_everything_and_nothing_in_vain(config, data):
    text, name = data.draw(texts(config))
    reading = read_config(parse(text, name))
    done = silence(reading, examine, lambda rule: True)
    after = examine(done.reading)
    if name == "config.json":
        assert done.reading.document.text == text
    else:
        assert not after.findings or done.left_out
        assert len(after.suppressed) == len(done.fixed)
        assert re.sub(r" *# pruneconf: ignore\[[^]]*\]", "", done.reading.document.text) == re.sub(
            " +(?=\r?\n)", "", text
        )


@pytest.mark.parametrize(
    "text", ["- [a, *x]\n", "- a: &x 1\n  b: *x\n", "- &x a\n- *x\n", "- {<<: {a: 1}, b: 2}\n", "? a\n: 1\n"]
)
def test_aliases_are_left_alone(text):
    document = parse(text, "x.yaml")
    if document.root is None:
        return
    for path in paths(document.root, ()):
        edited = text
        for edit in sorted(removal(document, path), reverse=True):
            edited = edited[: edit.start] + edit.text + edited[edit.end :]
        assert parse(edited, "x.yaml").root is not None
    assert removal_of(document, document.root, 99) == ()
