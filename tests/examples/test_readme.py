"""What the README shows is what happens."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests.conftest import Run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODEL = """\
import torch


def build_model():
    torch.manual_seed(0)
    return torch.nn.Sequential(*(torch.nn.Linear(8, 8) for _ in range(4)))
"""


def block(language: str, holding: str, page: str = README) -> str:
    """The code block of a language that holds a text."""
    (found,) = [code for code in re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL) if holding in code]
    return found


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cfg.yaml").write_text("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n")
    model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    names = {"model": model}
    exec(block("python", "import pruneconf"), names)
    assert {name: int((~mask).sum()) for name, mask in names["masks"].items()} == {"0.weight": 16, "2.weight": 4}
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_the_error_is_shown_as_it_is_printed(tmp_path: Path, pruneconf: Run) -> None:
    (tmp_path / "cfg.yaml").write_text(
        "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_names: [conv1]\n  exclue: true\n"
    )
    shown = block("", "$ pruneconf lint cfg.yaml").partition("\n")[2]
    assert pruneconf("lint", "cfg.yaml").stdout == shown


def test_the_commands_run_as_they_stand(tmp_path: Path, pruneconf: Run) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    commands = re.findall(r"^    pruneconf (init|lint|show|apply|verify|schema)( [^#\n]*)", README, re.MULTILINE)
    names = ["init", "lint", "show", "apply", "verify", *["lint"] * 6, "show", "apply", "init", "schema"]
    assert [name for name, _ in commands] == names
    for name, arguments in commands:
        if "model.graph.json" in arguments:
            assert pruneconf("trace", "model.py").returncode == 0
        done = pruneconf(name, *arguments.split())
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_on_channels_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pruneconf: Run) -> None:
    page = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "pruneconf.yaml").write_text("- op_names: ['0', '1', '2']\n  sparsity_per_layer: 0.5\n")
    done = pruneconf("apply", "model.py", "pruneconf.yaml", "--pruner", "l1", "--compact", "-o", "small")
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    code = ModuleType("model")
    exec(MODEL, vars(code))
    monkeypatch.setitem(sys.modules, "model", code)
    names: dict[str, object] = {}
    exec(block("python", "load_compact", page), names)
    inputs = torch.randn(2, 8)
    loaded = names["model"](inputs)
    names |= {"model": names["build_model"](), "inputs": inputs}
    exec(block("python", "pruneconf.compact", page), names)
    assert torch.allclose(names["small"].model(inputs), loaded, atol=1e-6)
    assert torch.allclose(names["model"](inputs), loaded, atol=1e-6)
