"""`pruneconf convert`: what comes out, what is said of what does not, and that what comes out means the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from syrupy.assertion import SnapshotAssertion

from pruneconf.convert import Parts, parts_of, to_v2, to_v3, yaml_text
from pruneconf.convert.patterns import name_of, pattern_of
from pruneconf.document import parse, plain
from tests.conftest import Run

PYTHON = """\
config_list = [{  # all of it
    'op_types': ['Conv2d',
                 'Linear'],
    # half of each
    'sparsity': 0.50,  # for now
},
# the ends
{'op_names': ["conv1", 'no: 1'], 'exclude': True}]  # not in the list
"""
CASES = {
    "python": ("cfg.py", PYTHON),
    "json": (
        "cfg.json",
        """\
[{"op_types": ["Conv2d"], "total_sparsity": 1e-1}]
""",
    ),
    "inner": (
        "cfg.yaml#/a/b",
        """\
# not its own
a:
  b:
  # its own
  - {op_names: [x], exclude: true}
""",
    ),
    "v1 schedule": (
        "cfg.yaml",
        """\
# AGP
- op_types: [default]
  initial_sparsity: 0.0  # dense
  final_sparsity: 0.8
  start_epoch: 0
  end_epoch: 10
  frequency: 1
- op_names: [fc]
  exclude: true
  sparsity: 0.5
""",
    ),
    "v1 lottery": (
        "cfg.yaml",
        """\
- op_types: [Linear]
  prune_iterations: 5
""",
    ),
    "v3": (
        "cfg.yaml",
        """\
# kept at the top
- op_types: [Linear]
  sparse_ratio: 0.50
  exclude_op_names: [fc]
  granularity: out_channel
  # the attention
- op_types: [Linear]
  op_names_re: ['.*attention\\..*', '^q$', 'layer[0-9]+', 'embed']
  sparse_ratio: 0.8
  min_sparse_ratio: 0.1
  max_sparse_ratio: 0.9
""",
    ),
    "v3 groups": (
        "cfg.yaml",
        """\
- {op_names: [a], sparse_ratio: 0.5, max_sparse_ratio: 0.9, global_group_id: g}
- {op_names: [b], sparse_ratio: 0.5, max_sparse_ratio: 0.9, global_group_id: g}
- {op_types: [c], sparse_ratio: 0.5, global_group_id: g}
""",
    ),
    "v3 targets": (
        "cfg.yaml",
        """\
- op_names: [a]
  target_names: [weight, _input_]
  target_settings:
    weight: {sparse_ratio: 0.5, granularity: default}
    _input_: {sparse_ratio: 0.5}
- {op_names: [b], target_names: [bias], sparse_ratio: 0.5}
- {op_names: [c], sparse_threshold: 0.1}
""",
    ),
}
V2 = """\
# a network
- op_types: [default]
  total_sparsity: 0.5
  max_sparsity_per_layer: 0.9  # each
- op_partial_names: [layer1., "("]
  sparsity_per_layer: 0.30
# the head
- op_names: [fc]
  op_types: [Linear]
  exclude: true
- op_types: [Embedding]
  exclude: true
"""


@pytest.mark.parametrize("case", CASES)
def test_to_v2(tmp_path: Path, pruneconf: Run, snapshot: SnapshotAssertion, case: str) -> None:
    name, text = CASES[case]
    (tmp_path / name.partition("#")[0]).write_text(text)
    done = pruneconf("convert", name)
    assert done.returncode == 0
    assert f"{done.stdout}--- stderr\n{done.stderr}" == snapshot


def test_to_v3(tmp_path: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    (tmp_path / "cfg.yaml").write_text(V2)
    done = pruneconf("convert", "--to", "v3", "cfg.yaml")
    assert done.returncode == 0
    assert f"{done.stdout}--- stderr\n{done.stderr}" == snapshot


def test_the_output_lints_clean_and_is_not_overwritten(tmp_path: Path, pruneconf: Run) -> None:
    (tmp_path / "cfg.py").write_text(PYTHON)
    done = pruneconf("convert", "cfg.py", "-o", "cfg.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "pruneconf: wrote cfg.yaml\n")
    assert pruneconf("lint", "--strict", "cfg.yaml").returncode == 0
    again = pruneconf("convert", "cfg.py", "-o", "cfg.yaml")
    assert (again.returncode, "there already" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("cfg.yaml", "a: 1\n", "holds no list of sub-configs: run `pruneconf lint cfg.yaml`"),
        ("cfg.yaml", "- 1\n", "holds no list of sub-configs"),
        ("cfg.yaml", "- [a\n", "cannot be converted, this `[` is never closed: run `pruneconf lint cfg.yaml`"),
        ("cfg.yaml", "- {op_names: [a], op_names: [b]}\n", "stands twice in this mapping"),
        ("cfg.py", "x = [{'op_names': f()}]\n", "is not checked, because `f()` in it"),
        ("cfg.py", "x = [{'op_names': []}]\ny = [{'op_names': []}]\n", "name one, `cfg.py#/x` or `cfg.py#/y`"),
    ],
)
def test_what_cannot_be_converted(tmp_path: Path, pruneconf: Run, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    done = pruneconf("convert", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_v3_is_not_converted_to_v3(tmp_path: Path, pruneconf: Run) -> None:
    (tmp_path / "cfg.yaml").write_text("- {op_names: [a], sparse_ratio: 0.5}\n")
    assert "in the form of NNI v3 already" in pruneconf("convert", "--to", "v3", "cfg.yaml").stderr


NAMES = ["a", "b", "ab", "a.b", "b.a", "aa"]
TYPES = ["Conv2d", "Linear"]
LAYERS = [(name, kind) for name in NAMES for kind in TYPES]
RATIOS = st.sampled_from([0.1, 0.25, 0.5])


def lists_of(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


@st.composite
def v2_configs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Configs of v2 that v3 can say: an exclusion goes by names or by types."""
    config = []
    for _ in range(draw(st.integers(1, 4))):
        item: dict[str, Any] = {}
        exclude = draw(st.booleans())
        by_name = draw(st.booleans())
        if by_name:
            item["op_names" if draw(st.booleans()) else "op_partial_names"] = draw(lists_of(NAMES))
        if not by_name or (not exclude and draw(st.booleans())):
            item["op_types"] = draw(lists_of(TYPES))
        item |= (
            {"exclude": True}
            if exclude
            else {draw(st.sampled_from(["sparsity_per_layer", "total_sparsity"])): draw(RATIOS)}
        )
        config.append(item)
    return config


@st.composite
def v3_configs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Configs of v3 that v2 can say: exclusions stand in the last entry only, patterns are parts of names."""
    config = []
    for _ in range(draw(st.integers(1, 4))):
        item: dict[str, Any] = {"op_types": draw(lists_of(TYPES))} if draw(st.booleans()) else {}
        if not item or draw(st.booleans()):
            item["op_names"] = draw(lists_of(NAMES))
            if draw(st.booleans()):
                item["op_names_re"] = [f".*{re.escape(part)}" for part in draw(lists_of(NAMES))]
        item["sparse_ratio"] = draw(RATIOS)
        config.append(item)
    for key, values in (("exclude_op_names", NAMES), ("exclude_op_types", TYPES)):
        if draw(st.booleans()):
            config[-1][key] = draw(lists_of(values))
    return config


def matches_v2(item: dict[str, Any], name: str, kind: str) -> bool:
    by_name = name in item.get("op_names", ()) or any(part in name for part in item.get("op_partial_names", ()))
    named = "op_names" in item or "op_partial_names" in item
    return (by_name or not named) and kind in item.get("op_types", [kind])


def matches_v3(item: dict[str, Any], name: str, kind: str) -> bool:
    def listed(names: str, patterns: str) -> bool:
        return name in item.get(names, ()) or any(re.match(pattern, name) for pattern in item.get(patterns, ()))

    named = "op_names" in item or "op_names_re" in item
    selected = (listed("op_names", "op_names_re") or not named) and kind in item.get("op_types", [kind])
    return (
        selected
        and not listed("exclude_op_names", "exclude_op_names_re")
        and kind not in item.get("exclude_op_types", ())
    )


def decided_v2(config: list[dict[str, Any]]) -> list[object]:
    """The ratio of each layer and the layers that share its total: the last sub-config decides."""
    last = [[item for item in config if matches_v2(item, *layer)][-1:] for layer in LAYERS]
    return shares(["sparsity_per_layer", "total_sparsity"], "total_sparsity", last)


def decided_v3(config: list[dict[str, Any]]) -> list[object]:
    """The same under v3, where the first one decides."""
    first = [[item for item in config if matches_v3(item, *layer)][:1] for layer in LAYERS]
    return shares(["sparse_ratio"], "global_group_id", first)


def shares(ratios: list[str], grouped: str, deciding: list[list[dict[str, Any]]]) -> list[object]:
    found: list[object] = []
    for items in deciding:
        ratio = next((item[key] for item in items for key in ratios if key in item), None)
        group = [
            i for i, others in enumerate(deciding) if items and grouped in items[0] and others and others[0] is items[0]
        ]
        found.append((ratio, group if ratio is not None else []))
    return found


def converted(config: list[dict[str, Any]], form: Any) -> tuple[Parts, list[dict[str, Any]]]:
    text = f"config = {config!r}"
    parts = parts_of(parse(text, "x.py"), ("config",))
    parts = parts._replace(items=form(parts.items))
    written = parse(yaml_text(parts), "x.yaml")
    assert written.root is not None
    return parts, plain(written.root)


@given(v2_configs())
def test_v3_means_what_v2_meant(config: list[dict[str, Any]]) -> None:
    _, result = converted(config, to_v3)
    assert decided_v3(result) == decided_v2(config)


@given(v3_configs())
def test_v2_means_what_v3_meant(config: list[dict[str, Any]]) -> None:
    _, result = converted(config, to_v2)
    assert decided_v2(result) == decided_v3(config)


@given(v2_configs())
def test_v2_stays_as_it_is(config: list[dict[str, Any]]) -> None:
    parts, result = converted(config, to_v2)
    assert result == config
    assert not any(item.notes for item in parts.items)
    assert YAML(typ="safe").load(yaml_text(parts)) == config


@given(st.text(alphabet="ab.*+?()[]{}^$|\\/-_1 é\n", min_size=1))
def test_a_part_of_a_name_is_the_part_again(part: str) -> None:
    pattern = pattern_of(part)
    assert re.match(pattern, "x" + part + "y") or "\n" in part
    name = name_of(pattern)
    assert name is None or (name.key, name.text, name.note) == ("op_partial_names", part, None)
