"""What the weights tell: how much each layer of a total loses, and the rule that looks at that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from syrupy.assertion import SnapshotAssertion

from tests.conftest import Run

MODEL = """\
from torch import nn

model = nn.Sequential(nn.Linear(8, 4, bias=False), nn.Linear(4, 8, bias=False), nn.Linear(8, 2, bias=False))
"""
CONFIG = "- op_types: [Linear]\n  total_sparsity: 0.25\n- op_names: ['2']\n  exclude: true\n"


@pytest.fixture
def here(tmp_path: Path, pruneconf: Run) -> Path:
    """A folder with a model, its graph, a config, and a checkpoint in which the second layer's weights are tiny."""
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "cfg.yaml").write_text(CONFIG)
    weights = {f"{i}.weight": torch.arange(1.0, 1 + size) for i, size in enumerate((32, 32, 16))}
    shapes = {"0.weight": (4, 8), "1.weight": (8, 4), "2.weight": (2, 8)}
    tiny = {
        name: weight.reshape(shapes[name]) * (1e-3 if name == "1.weight" else 1) for name, weight in weights.items()
    }
    save_file(tiny, tmp_path / "w.safetensors")
    assert pruneconf("trace", "model.py").returncode == 0
    return tmp_path


@pytest.mark.parametrize("form", ["table", "tree", "json"])
def test_show_tells_what_each_layer_of_a_total_loses(
    here: Path, pruneconf: Run, snapshot: SnapshotAssertion, form: str
) -> None:
    done = pruneconf("show", "model.graph.json", "cfg.yaml", "--weights", "w.safetensors", "--format", form)
    assert (done.returncode, done.stdout, done.stderr) == snapshot


def test_apply_does_what_show_said_and_says_the_same(here: Path, pruneconf: Run) -> None:
    shown = pruneconf("show", "model.graph.json", "cfg.yaml", "--weights", "w.safetensors", "--format", "json")
    done = pruneconf("apply", "model.graph.json", "cfg.yaml", "--weights", "w.safetensors", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == shown.stderr
    assert "info[PC511] unbalanced-magnitudes: `1` takes 100.0 % of the masks" in done.stderr
    report = json.loads((here / "out" / "report.json").read_text())
    masked = {layer["name"]: layer["masked"] for layer in report["layers"]}
    assert masked == {layer["name"]: layer["masked"] or 0 for layer in json.loads(shown.stdout)["layers"]}
    assert masked == {"0": 0, "1": 16, "2": 0}
    assert "PC511" in (here / "out" / "report.html").read_text()


def test_a_comment_silences_it_and_counts_as_used(here: Path, pruneconf: Run) -> None:
    (here / "cfg.yaml").write_text(CONFIG.replace("0.25", "0.25  # pruneconf: ignore[PC511] tiny on purpose"))
    done = pruneconf("show", "model.graph.json", "cfg.yaml", "--weights", "w.safetensors")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing wrong" in pruneconf("lint", "--strict", "model.graph.json", "cfg.yaml").stdout


@pytest.mark.parametrize(
    ("weights", "said"),
    [("absent.safetensors", "there is no `absent.safetensors`"), ("cfg.yaml", "cfg.yaml")],
)
def test_weights_that_do_not_serve(here: Path, pruneconf: Run, weights: str, said: str) -> None:
    done = pruneconf("show", "model.graph.json", "cfg.yaml", "--weights", weights)
    assert done.returncode == 2
    assert done.stderr.startswith("pruneconf: ")
    assert said in done.stderr
    assert done.stdout == ""
