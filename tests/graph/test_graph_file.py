"""The graph file: written and read back, published shape, one sentence for every damage."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from pruneconf.errors import PruneconfError
from pruneconf.graph import (
    Coupling,
    Join,
    Layer,
    Limit,
    Member,
    ModelGraph,
    Module,
    Origin,
    Parameter,
    Pin,
    Side,
    Weight,
    graph_text,
    read_graph,
    write_graph,
)
from pruneconf.graph.stale import changed_sources, file_digest

SCHEMA = Draft7Validator(json.loads((Path(__file__).parents[2] / "schema/graph-v1.schema.json").read_text("utf-8")))

GRAPH = ModelGraph(
    source="model.py:build_model",
    type="Net",
    layers=(
        Layer("embed", "Embedding", (64, 8), "float32", "embed.weight"),
        Layer(
            "blocks.0",
            "Linear",
            (8, 8),
            "bfloat16",
            "blocks.0.weight",
            ("blocks.1",),
            bases=("Base",),
            calls=2,
            output=True,
            out_axis=0,
            in_axis=1,
        ),
        Layer("head", "Linear", (64, 8), "float32", "embed.weight"),
    ),
    modules=(Module("", "Net", Weight.NONE, 3), Module("act", "ReLU", Weight.NONE, 0, ("act2",))),
    shared={"embed.weight": ("head.weight",), "blocks.0.weight": ("blocks.1.weight",)},
    parameters=576,
    sources={"model.py": "0" * 64},
    origin=Origin.OPERATORS,
    versions={"pruneconf": "0.1.0", "torch": "2.13.0"},
    inputs="`ids` 1x16:int64, from `example_inputs`",
    missing=("`model.py` line 3 chooses by values; the other branch is not traced",),
    couplings=(
        Coupling(
            4,
            (
                Member("embed", Side.OUT, 1, 8, repeat=2, stride=2),
                Member("blocks.0", Side.IN, 1, 4),
                Member("blocks.0", Side.IN, 1, 4, 4),
                Member("blocks.0", Side.OUT, 0, 8, times=2, period=4),
            ),
            (Join("add", "model.py:7"),),
            (Limit("group-norm", 2, "norm"),),
            (Pin("input"),),
        ),
    ),
    unreachable=(Parameter("attn.in_proj_weight", (24, 8), "MultiheadAttention"),),
)

texts = st.text(min_size=1, max_size=8)
counts = st.integers(min_value=0, max_value=2**70)
layers = st.builds(
    Layer,
    name=texts,
    type=texts,
    shape=st.lists(counts, max_size=4).map(tuple),
    dtype=st.sampled_from(["float32", "bfloat16", "float8_e4m3fn"]),
    parameter=texts,
    aliases=st.lists(texts, max_size=2).map(tuple),
    bases=st.lists(texts, max_size=2).map(tuple),
    calls=st.none() | counts,
    output=st.booleans(),
    out_axis=st.none() | counts,
    in_axis=st.none() | counts,
)
positive = st.integers(min_value=1, max_value=99)
members = st.builds(
    Member, texts, st.sampled_from(Side), counts, positive, counts, positive, counts, counts, positive, counts
)
couplings = st.builds(
    Coupling,
    positive,
    st.lists(members, min_size=1, max_size=3).map(tuple),
    st.lists(st.builds(Join, texts, st.text(max_size=8)), max_size=2).map(tuple),
    st.lists(st.builds(Limit, st.just("group-norm"), positive, texts), max_size=2).map(tuple),
    st.lists(st.builds(Pin, st.sampled_from(["input", "output"]), st.text(max_size=8)), max_size=2).map(tuple),
)
parameters = st.builds(Parameter, texts, st.lists(counts, max_size=3).map(tuple), texts)
modules = st.builds(
    Module,
    name=st.text(max_size=8),
    type=texts,
    weight=st.sampled_from(Weight),
    children=counts,
    aliases=st.lists(texts, max_size=2).map(tuple),
)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
graphs = st.builds(
    ModelGraph,
    source=texts,
    type=texts,
    layers=st.lists(layers, max_size=4, unique_by=lambda layer: layer.name).map(tuple),
    modules=st.lists(modules, max_size=4, unique_by=lambda module: module.name).map(tuple),
    shared=st.dictionaries(texts, st.lists(texts, min_size=1, max_size=2).map(tuple), max_size=3),
    parameters=counts,
    sources=st.dictionaries(texts, digests, max_size=2),
    versions=st.dictionaries(texts, texts, max_size=2),
    origin=st.sampled_from(Origin),
    inputs=st.text(max_size=8),
    missing=st.lists(texts, max_size=2).map(tuple),
    couplings=st.lists(couplings, max_size=3).map(tuple),
    unreachable=st.lists(parameters, max_size=2).map(tuple),
    changed=st.just(()),
)


def damaged(path: Path, change):
    data = json.loads(graph_text(GRAPH))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(PruneconfError) as caught:
        read_graph(path)
    return str(caught.value).replace(str(path.parent), "DIR")


def test_text(snapshot):
    assert graph_text(GRAPH) == snapshot


def test_empty_graph_text(snapshot):
    assert graph_text(ModelGraph(source="model.py", type="Net", layers=())) == snapshot


@given(graphs)
def test_read_gives_back_what_was_written(tmp_path_factory, graph):
    path = tmp_path_factory.getbasetemp() / "round.graph.json"
    write_graph(graph, path)
    assert read_graph(path) == graph


@given(graphs)
def test_text_follows_the_published_schema(graph):
    SCHEMA.validate(json.loads(graph_text(graph)))


@given(graphs)
def test_one_layer_a_line(graph):
    lines = graph_text(graph).split("\n")
    assert lines[1].startswith('  "$schema": ')
    assert lines[-1] == ""
    start = next(number for number, line in enumerate(lines) if line.startswith('  "layers": '))
    written = [json.loads(line.rstrip(","))["name"] for line in lines[start + 1 : start + 1 + len(graph.layers)]]
    assert written == [layer.name for layer in graph.layers]


def test_unknown_keys_are_left_aside(tmp_path):
    path = damaged(tmp_path / "x.graph.json", lambda data: data.update(edges=[]) or data["layers"][0].update(color=2))
    assert read_graph(path) == GRAPH


def test_a_byte_order_mark_is_no_damage(tmp_path):
    path = tmp_path / "x.graph.json"
    path.write_text(graph_text(GRAPH), encoding="utf-8-sig")
    assert read_graph(str(path)) == GRAPH


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data.clear(), id="empty object"),
        pytest.param(lambda data: data.update(format=2), id="newer format"),
        pytest.param(lambda data: data.update(format=0), id="format zero"),
        pytest.param(lambda data: data.update(format=True), id="format boolean"),
        pytest.param(lambda data: data.pop("source"), id="no source"),
        pytest.param(lambda data: data.update(parameters=-1), id="negative parameters"),
        pytest.param(lambda data: data.update(layers={}), id="layers no list"),
        pytest.param(lambda data: data.update(modules=["act"]), id="module no object"),
        pytest.param(lambda data: data["layers"][1].pop("name"), id="layer without name"),
        pytest.param(lambda data: data["layers"][1].update(shape="8x8"), id="shape a string"),
        pytest.param(lambda data: data["layers"][1].update(shape=[8, 2.5]), id="shape with a fraction"),
        pytest.param(lambda data: data["layers"][1].update(shape=[8, True]), id="shape with a boolean"),
        pytest.param(lambda data: data["layers"][1].update(shape=[8, -8]), id="shape with a negative"),
        pytest.param(lambda data: data["layers"][1].update(aliases="blocks.1"), id="aliases a string"),
        pytest.param(lambda data: data["layers"][2].update(name="embed"), id="layer twice"),
        pytest.param(lambda data: data["modules"][1].update(weight="maybe"), id="unknown weight kind"),
        pytest.param(lambda data: data["modules"][1].update(children=None), id="children null"),
        pytest.param(lambda data: data.update(shared={"embed.weight": "head.weight"}), id="shared no lists"),
        pytest.param(lambda data: data.update(sources=[]), id="sources a list"),
        pytest.param(lambda data: data.update(versions={"torch": 2}), id="version a number"),
        pytest.param(lambda data: data.update(origin="export"), id="unknown origin"),
        pytest.param(lambda data: data.update(missing="much"), id="missing a string"),
        pytest.param(lambda data: data.update(unreachable=[["a", [2]]]), id="parameter without a type"),
        pytest.param(lambda data: data["layers"][1].update(axes=[0]), id="one axis"),
        pytest.param(lambda data: data["layers"][1].update(calls="often"), id="calls a string"),
        pytest.param(lambda data: data["couplings"][0].update(units="many"), id="units a string"),
        pytest.param(lambda data: data["couplings"][0]["members"].append(["embed", "out"]), id="member too short"),
        pytest.param(lambda data: data["couplings"][0]["members"].append(["embed", "up", 0, 8]), id="unknown side"),
        pytest.param(lambda data: data["couplings"][0].update(joins=["add"]), id="join no list"),
        pytest.param(lambda data: data["couplings"][0].update(limits=[["group-norm", 0, "n"]]), id="no groups"),
    ],
)
def test_damage_is_named(tmp_path, snapshot, change):
    path = damaged(tmp_path / "x.graph.json", change)
    assert refusal(path) == snapshot


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'[{"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}]', id="a config"),
        pytest.param(b'{\n  "format": 1,\n<<<<<<< HEAD\n', id="merge conflict"),
        pytest.param(b"\x80\x02}q\x00.", id="binary"),
        pytest.param(b"[" * 100_000, id="nested"),
    ],
)
def test_what_is_no_graph_file(tmp_path, snapshot, content):
    path = tmp_path / "x.graph.json"
    path.write_bytes(content)
    assert refusal(path) == snapshot


def test_missing_file(tmp_path, snapshot):
    assert refusal(tmp_path / "x.graph.json") == snapshot


def test_write_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "x.graph.json"
    path.write_text("old", encoding="utf-8")
    write_graph(GRAPH, path)
    assert read_graph(path) == GRAPH
    assert list(tmp_path.iterdir()) == [path]


def test_write_goes_through_a_link(tmp_path):
    target, link = tmp_path / "target.graph.json", tmp_path / "link.graph.json"
    link.symlink_to(target)
    write_graph(GRAPH, link)
    assert link.is_symlink()
    assert read_graph(target) == GRAPH


@pytest.mark.parametrize("name", ["there/x.graph.json", "folder"])
def test_a_failed_write_is_one_sentence(tmp_path, snapshot, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(PruneconfError) as caught:
        write_graph(GRAPH, tmp_path / name)
    assert str(caught.value).replace(str(tmp_path), "DIR") == snapshot
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_changed_sources(tmp_path):
    for name in ("same.py", "edited.py", "gone.py"):
        (tmp_path / name).write_text("x = 1\n", encoding="utf-8")
    sources = {path.name: file_digest(path) for path in sorted(tmp_path.glob("*.py"))}
    graph = ModelGraph(source="same.py", type="Net", layers=(), sources=sources)
    (tmp_path / "edited.py").write_text("x = 2\n", encoding="utf-8")
    (tmp_path / "gone.py").unlink()
    assert changed_sources(graph.sources, tmp_path / "x.graph.json") == ["edited.py"]


def test_the_link_names_the_published_schema():
    assert json.loads(graph_text(GRAPH))["$schema"] == SCHEMA.schema["$id"]
    assert re.search(r"-v1\.", SCHEMA.schema["$id"])
