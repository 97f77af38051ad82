"""On generated configs, all validators agree with each other and with the key tables of the specification."""

import json

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pruneconf.config.schema import schema_text

SELECTORS = ["op_types", "op_names", "op_partial_names"]
RATIOS = ["sparsity_per_layer", "total_sparsity", "sparsity"]
CAP = "max_sparsity_per_layer"
KEYS = [*SELECTORS, *RATIOS, CAP, "exclude"]

SCHEMA = json.loads(schema_text())
VALIDATORS = {
    "jsonschema": jsonschema.Draft7Validator(SCHEMA),
    "jsonschema-rs": jsonschema_rs.Draft7Validator(SCHEMA),
}


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_selector(value):
    return isinstance(value, list) and value != [] and all(isinstance(item, str) and item != "" for item in value)


def is_config(data):
    """Whether this is a config without errors, written from the specification and not from the schema."""
    return isinstance(data, list) and all(isinstance(item, dict) and is_sub_config(item) for item in data)


def is_sub_config(data):
    amounts = [key for key in (*RATIOS, "exclude") if key in data]
    return (
        data.keys() <= set(KEYS)
        and any(key in data for key in SELECTORS)
        and all(is_selector(data[key]) for key in SELECTORS if key in data)
        and len(amounts) == 1
        and data.get("exclude", True) is True
        and all(is_number(data[key]) and 0 <= data[key] < 1 for key in RATIOS if key in data)
        and (CAP not in data or ("total_sparsity" in data and is_number(data[CAP]) and 0 < data[CAP] <= 1))
    )


ratios = st.sampled_from([0, 0.5, 1, 1.0, 0.0, -0.0, 80, -1, 10**30, 5e-324]) | st.floats(-0.5, 1.5)
names = st.lists(st.sampled_from(["conv1", "fc", "Conv2d", ""]) | st.text(max_size=3), max_size=3)
anything = st.recursive(
    st.none() | st.booleans() | ratios | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def sub_configs():
    """Mostly well-formed values under any set of the keys: about every other one is a sub-config."""
    well_formed = {
        **dict.fromkeys(SELECTORS, names.filter(is_selector)),
        **dict.fromkeys(RATIOS, st.floats(0, 1, exclude_max=True) | st.just(0)),
        CAP: st.floats(0, 1, exclude_min=True) | st.just(1),
        "exclude": st.just(value=True),
    }
    kinds = [["sparsity_per_layer"], ["total_sparsity"], ["total_sparsity", CAP], ["sparsity"], ["exclude"]]
    return st.tuples(st.lists(st.sampled_from(SELECTORS), min_size=1, unique=True), st.sampled_from(kinds)).flatmap(
        lambda keys: st.fixed_dictionaries({key: well_formed[key] for part in keys for key in part})
    )


@st.composite
def mutated(draw):
    """A sub-config with one key taken away, added, respelt or given another value."""
    data = dict(draw(sub_configs()))
    key = draw(st.sampled_from(KEYS) | st.sampled_from(sorted(data)) | st.text(max_size=4))
    value = draw(ratios | names | st.booleans() | anything)
    return draw(
        st.sampled_from(
            [
                {other: data[other] for other in data if other != key},
                {**data, key: value},
                {**data, f"{key}s": value},
                {f"{other}s" if other == key else other: data[other] for other in data},
            ]
        )
    )


free = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), ratios | names | st.booleans() | anything)
configs = st.lists(sub_configs() | mutated() | free | anything, max_size=3) | anything


@settings(max_examples=400, deadline=None)
@given(configs)
@example([])
@example([{"op_names": ["a"], "exclude": 1}])
@example([{"op_names": ["a"], "exclude": 1.0}])
@example([{"op_names": ["a"], "sparsity_per_layer": False}])
@example([{"op_names": ["a"], "total_sparsity": 0.5, "max_sparsity_per_layer": True}])
@example([{"op_names": ["a"], "total_sparsity": 0, "max_sparsity_per_layer": 1}])
def test_verdicts_agree(data):
    verdicts = {name: validator.is_valid(data) for name, validator in VALIDATORS.items()}
    assert verdicts == dict.fromkeys(VALIDATORS, is_config(data))


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("other", [*RATIOS, CAP, "exclude"])
def test_every_pair_of_amounts(ratio, other):
    data = [{"op_names": ["fc"], ratio: 0.5, other: True if other == "exclude" else 0.5}]
    expected = is_config(data)
    assert {name: validator.is_valid(data) for name, validator in VALIDATORS.items()} == dict.fromkeys(
        VALIDATORS, expected
    )
    assert expected == (ratio == other or (ratio, other) == ("total_sparsity", CAP))
