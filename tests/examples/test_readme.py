"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from tests.conftest import Run

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, holding: str) -> str:
    """The code block of a language that holds a text."""
    (found,) = [code for code in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if holding in code]
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
    (tmp_path / "model.py").write_text(
        "import torch\n\nmodel = torch.nn.Sequential(*(torch.nn.Linear(8, 8) for _ in range(4)))\n"
    )
    commands = re.findall(r"^    pruneconf (init|lint|show|apply|verify)( [^#\n]*)", README, re.MULTILINE)
    assert [name for name, _ in commands] == ["init", "lint", "show", "apply", "verify", *["lint"] * 5]
    for name, arguments in commands[:5] + commands[6:]:
        done = pruneconf(name, *arguments.split())
        assert done.returncode == 0, done.stdout + done.stderr
