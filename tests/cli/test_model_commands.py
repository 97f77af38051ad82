"""`trace`, `show`, `init`, `schema`, `rules`, `explain` from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

import pruneconf as api
from pruneconf.config.schema import schema_text
from pruneconf.graph import Layer, ModelGraph
from pruneconf.output.excerpt import width
from pruneconf.output.plan_table import table_text
from pruneconf.output.style import plain
from tests.conftest import Run


@pytest.fixture
def no_torch(tmp_path: Path) -> dict[str, str]:
    """An environment in which `import torch` fails, as where it is not installed."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "torch.py").write_text("raise ImportError('torch must not be imported')\n")
    return {"PYTHONPATH": str(tmp_path / "without")}


def test_trace_writes_a_graph_that_stands_for_the_model(here: Path, pruneconf: Run, no_torch: dict[str, str]) -> None:
    done = pruneconf("trace", "model.py", "-o", "traced.graph.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    data = json.loads((here / "traced.graph.json").read_text())
    jsonschema.validate(data, json.loads(schema_text("graph")))
    expected = json.loads((here / "net.graph.json").read_text())["layers"]
    assert [
        {key: layer[key] for key in known} for layer, known in zip(data["layers"], expected, strict=True)
    ] == expected
    assert data["origin"] == "operators"
    for command in (["lint"], ["show"]):
        again = pruneconf(*command, "traced.graph.json", "cfg.yaml", **no_torch)
        assert again.returncode == 0, again.stderr


def test_lint_and_show_take_the_model_itself(here: Path, pruneconf: Run) -> None:
    assert "checked against model.py" in pruneconf("lint", "model.py", "cfg.yaml").stdout
    from_model = pruneconf("show", "model.py:build_model", "cfg.yaml", "--format", "json")
    from_graph = pruneconf("show", "net.graph.json", "cfg.yaml", "--format", "json")
    assert json.loads(from_model.stdout)["layers"] == json.loads(from_graph.stdout)["layers"]


def test_a_model_that_fails_is_named_with_its_line(here: Path, pruneconf: Run) -> None:
    (here / "broken.py").write_text("import torch\n\nmodel = torch.nn.Linear(3, 'four')\n")
    done = pruneconf("lint", "broken.py", "cfg.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 3" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("form", ["table", "tree", "json"])
def test_show(here: Path, pruneconf: Run, snapshot: SnapshotAssertion, form: str) -> None:
    done = pruneconf("show", "net.graph.json", "cfg.yaml", "--format", form)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == snapshot
    if form == "json":
        jsonschema.validate(json.loads(done.stdout), json.loads(schema_text("plan")))


@pytest.mark.parametrize("form", ["table", "tree"])
def test_show_in_colours(here: Path, pruneconf: Run, form: str) -> None:
    bare = pruneconf("show", "net.graph.json", "cfg.yaml", "--format", form)
    painted = pruneconf("show", "net.graph.json", "cfg.yaml", "--format", form, FORCE_COLOR="1")
    assert "\x1b[31m▒" in painted.stdout
    assert re.sub(r"\x1b\[\d*m", "", painted.stdout) == bare.stdout


def test_a_narrow_table_folds_the_names_of_layers() -> None:
    layers = tuple(Layer(name, "Linear", (8, 8), "float32", f"{name}.weight") for name in ("层" * 30, "x" * 50, "head"))
    config = api.load([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}])
    plan = api.resolve(config, ModelGraph("m.py", "M", layers))
    *rows, _, _, _ = table_text(plan, plain, 80).splitlines()
    assert {width(row) for row in rows} == {80}
    names = "".join(row[: row.find("  ")] for row in rows[1:])
    assert names.replace(" ", "") == "层" * 30 + "x" * 50 + "head"


def test_show_refuses_a_config_with_errors(here: Path, pruneconf: Run) -> None:
    (here / "bad.yaml").write_text("- op_names: [fc1]\n  sparsity_per_layer: 0.5\n")
    done = pruneconf("show", "net.graph.json", "bad.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "PC201" in done.stderr


def test_init_writes_a_config_that_lints_clean(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    done = pruneconf("init", "net.graph.json", "-o", "first.yaml")
    assert done.returncode == 0, done.stderr
    assert (here / "first.yaml").read_text() == snapshot
    linted = pruneconf("lint", "--strict", "net.graph.json", "first.yaml")
    assert linted.stdout.startswith("nothing wrong"), linted.stdout


def test_init_overwrites_nothing(here: Path, pruneconf: Run) -> None:
    before = (here / "cfg.yaml").read_text()
    done = pruneconf("init", "net.graph.json", "-o", "cfg.yaml")
    assert done.returncode == 2
    assert "there already" in done.stderr
    assert (here / "cfg.yaml").read_text() == before


def test_schema_prints_the_published_file(pruneconf: Run) -> None:
    published = Path(__file__).parents[2] / "schema" / "pruneconf-v1.schema.json"
    assert pruneconf("schema").stdout == published.read_text()


def test_rules_and_explain_know_each_other(pruneconf: Run) -> None:
    rows = json.loads(pruneconf("rules", "--format", "json").stdout)
    assert [row["code"] for row in rows] == [line.split()[0] for line in pruneconf("rules").stdout.splitlines()]
    by_code = pruneconf("explain", "PC201").stdout
    assert by_code == pruneconf("explain", "unknown-op-name").stdout
    assert by_code.startswith("# unknown-op-name (PC201)\n")
    assert pruneconf("explain", "PC21").stderr.startswith("pruneconf: there is no rule `PC21`; did you mean `PC201`")


def test_an_unknown_command_is_suggested(pruneconf: Run) -> None:
    done = pruneconf("lnit")
    assert done.returncode == 2
    assert "did you mean `lint`?" in done.stderr


def test_help_of_every_command(pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    commands = ["lint", "show", "apply", "verify", "trace", "schema", "init", "convert", "rules", "explain", "server"]
    assert (
        "\n".join(pruneconf(*command, "--help").stdout for command in [[], *([name] for name in commands)]) == snapshot
    )


def test_a_graph_older_than_its_model_is_said_to_be(here: Path, pruneconf: Run) -> None:
    assert pruneconf("trace", "model.py", "-o", "traced.graph.json").returncode == 0
    assert pruneconf("lint", "traced.graph.json", "cfg.yaml").stderr == ""
    with (here / "model.py").open("a") as file:
        file.write("# changed\n")
    assert pruneconf("lint", "traced.graph.json", "cfg.yaml").stdout.startswith("warning[PC903] stale-graph")
    done = pruneconf("show", "traced.graph.json", "cfg.yaml")
    assert done.returncode == 0
    assert done.stderr == (
        "pruneconf: `traced.graph.json` is out of date, `model.py` has changed since: "
        "write it anew with `pruneconf trace`\n"
    )


def test_an_index_as_the_model_keeps_its_shards(tmp_path: Path, pruneconf: Run) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = transformers.BertModel(transformers.BertConfig(**sizes, vocab_size=20, max_position_embeddings=8))
    model.save_pretrained(tmp_path / "bert", max_shard_size="2KB")
    (tmp_path / "cfg.yaml").write_text("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n")
    done = pruneconf("apply", "bert/model.safetensors.index.json", "cfg.yaml", "-o", "out")
    assert done.returncode == 0, done.stderr
    shards = {path.name for path in (tmp_path / "bert").glob("model*")}
    assert len(shards) > 2
    assert {path.name for path in (tmp_path / "out").glob("model*")} == shards
    assert pruneconf("verify", "bert", "cfg.yaml", "out").returncode == 0
