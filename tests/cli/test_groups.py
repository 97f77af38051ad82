"""`show --groups` and `lint --pruner` from outside, on a graph with blocks that repeat and blocks that do not."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from pruneconf.config.schema import schema_text
from pruneconf.graph import Coupling, Join, Layer, Limit, Member, ModelGraph, Origin, Pin, Side, write_graph
from tests.conftest import Run

OUT, IN, THROUGH = Side.OUT, Side.IN, Side.THROUGH
CONFIG = (
    "- op_partial_names: [.q, .k, .down]\n  sparsity_per_layer: 0.3\n- op_names: [blocks.1.down]\n  exclude: true\n"
)


def linear(name: str, out: int, into: int, **more: bool) -> Layer:
    return Layer(name, "Linear", (out, into), "float32", f"{name}.weight", out_axis=0, in_axis=1, **more)


def block(number: int) -> tuple[list[Layer], list[Coupling]]:
    name = f"blocks.{number}"
    layers = [linear(f"{name}.q", 64, 32), linear(f"{name}.k", 16, 32), linear(f"{name}.up", 128, 32)]
    heads = Coupling(
        4,
        (Member(f"{name}.q", OUT, 0, 64, 0, 16, 16), Member(f"{name}.k", OUT, 0, 16, 0, 4, 4)),
        (Join("add", "model.py:12"),),
        (Limit("attention-heads", 16, name),),
    )
    hidden = Coupling(128, (Member(f"{name}.up", OUT, 0, 128), Member(f"{name}.down", IN, 1, 128)))
    return [*layers, linear(f"{name}.down", 32, 128)], [heads, hidden]


def graph() -> ModelGraph:
    blocks = [block(number) for number in (0, 1, 2, 4)]
    layers = [each for found, _ in blocks for each in found]
    stream = [Member("embed", OUT, 1, 32), *(Member(f"blocks.{n}.down", OUT, 0, 32) for n in (0, 1, 2, 4))]
    readers = [Member(f"blocks.{n}.{name}", IN, 1, 32) for n in (0, 1, 2, 4) for name in ("q", "k", "up")]
    head = Coupling(10, (Member("head", OUT, 0, 10),), pins=(Pin("output", "logits"),))
    parts = (Member("left", OUT, 0, 8), Member("norm", THROUGH, 0, 8, 8), Member("head", IN, 1, 16, 16, 2, 2))
    return ModelGraph(
        source="model.py",
        type="Net",
        layers=(
            Layer("embed", "Embedding", (100, 32), "float32", "embed.weight", out_axis=1),
            *layers,
            linear("left", 8, 32),
            Layer("norm", "GroupNorm", (16,), "float32", "norm.weight"),
            linear("head", 10, 32, output=True),
        ),
        origin=Origin.OPERATORS,
        couplings=(
            *(each for _, found in blocks for each in found),
            Coupling(32, (*stream, *readers), (Join("add", "model.py:31"), Join("mul")), pins=(Pin("input"),)),
            Coupling(8, parts, (), (Limit("group-norm", 4, "norm"),)),
            head,
        ),
    )


@pytest.fixture
def there(tmp_path: Path) -> Path:
    write_graph(graph(), tmp_path / "net.graph.json")
    untraced = graph()._replace(origin=Origin.MODULES, couplings=(), missing=("its inputs are not known",))
    write_graph(untraced, tmp_path / "tree.graph.json")
    (tmp_path / "cfg.yaml").write_text(CONFIG)
    (tmp_path / "other.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("config", [[], ["cfg.yaml"]], ids=["alone", "with a config"])
def test_show(pruneconf: Run, snapshot: SnapshotAssertion, config: list[str]) -> None:
    done = pruneconf("show", "--groups", "net.graph.json", *config)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == snapshot


@pytest.mark.usefixtures("there")
def test_show_as_json(pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    done = pruneconf("show", "--groups", "net.graph.json", "cfg.yaml", "--format", "json")
    data = json.loads(done.stdout)
    jsonschema.validate(data, json.loads(schema_text("plan")))
    assert data["couplings"][-3:] == snapshot


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    "arguments",
    [["net.graph.json"], ["--groups", "--format", "json", "net.graph.json"], ["--groups", "tree.graph.json"]],
    ids=["no config", "no config for json", "not traced"],
)
def test_show_refuses(pruneconf: Run, snapshot: SnapshotAssertion, arguments: list[str]) -> None:
    done = pruneconf("show", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == snapshot


@pytest.mark.usefixtures("there")
def test_lint_for_a_structured_pruner(pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    assert pruneconf("lint", "net.graph.json", "cfg.yaml").stdout.startswith("nothing wrong")
    done = pruneconf("lint", "--pruner", "l1", "net.graph.json", "cfg.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == snapshot


@pytest.mark.usefixtures("there")
def test_lint_says_once_what_it_could_not_check(pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    done = pruneconf("lint", "--pruner", "l1", "tree.graph.json", "cfg.yaml", "other.yaml")
    assert done.stdout.startswith("nothing wrong in 2 files")
    assert done.stderr == snapshot
    assert "PC" not in pruneconf("lint", "--select", "PC2", "tree.graph.json", "cfg.yaml").stderr


@pytest.mark.usefixtures("there")
def test_lint_refuses_an_unknown_pruner(pruneconf: Run) -> None:
    done = pruneconf("lint", "--pruner", "fgpm", "cfg.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pruneconf: there is no pruner `fgpm`; did you mean `fpgm`?\n"
