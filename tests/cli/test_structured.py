"""`--pruner`, `--coupled` and `--compact` from outside."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from pruneconf.config.schema import schema_text
from tests.conftest import Run

CONFIG = "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_names: [blocks.1.conv]\n  total_sparsity: 0.3\n"


@pytest.fixture(autouse=True)
def config(here: Path) -> None:
    (here / "channels.yaml").write_text(CONFIG)


@pytest.mark.parametrize("form", ["table", "json"])
def test_show_counts_channels(pruneconf: Run, snapshot: SnapshotAssertion, form: str) -> None:
    done = pruneconf("show", "model.py", "channels.yaml", "--pruner", "l1", "--coupled", "--format", form)
    assert done.returncode == 0, done.stderr
    assert done.stdout == snapshot
    if form == "json":
        jsonschema.validate(json.loads(done.stdout), json.loads(schema_text("plan")))


def test_apply_and_verify_with_a_pruner(here: Path, pruneconf: Run) -> None:
    done = pruneconf("apply", "model.py", "channels.yaml", "--pruner", "random", "--seed", "3", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert json.loads((here / "out" / "report.json").read_text())["seed"] == 3
    next_command = done.stdout.splitlines()[-1].split()[2:]
    again = pruneconf(*next_command)
    assert again.returncode == 0, again.stdout
    other = pruneconf("verify", "model.py", "channels.yaml", "out")
    assert other.returncode == 1
    assert "was made with the pruner `random`, not `level`" in other.stdout


def test_apply_compact(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    done = pruneconf(
        "apply", "model.py", "channels.yaml", "--pruner", "l2", "--compact", "--input", "1,1,9,9", "-o", "out"
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout.partition(";")[0], done.stderr) == snapshot
    report = json.loads((here / "out" / "report.json").read_text())
    jsonschema.validate(report, json.loads(schema_text("report")))
    assert "compact.safetensors" in report["outputs"]
    assert pruneconf(*done.stdout.splitlines()[-1].split()[2:]).returncode == 0


def test_a_type_without_channels_is_refused(here: Path, pruneconf: Run) -> None:
    (here / "norm.yaml").write_text("- op_types: [BatchNorm2d]\n  sparsity_per_layer: 0.5\n")
    for command in (["show"], ["apply", "-o", "out"]):
        done = pruneconf(command[0], "model.py", "norm.yaml", "--pruner", "l1", *command[1:])
        assert (done.returncode, done.stdout) == (1, "")
        assert "`norm.yaml` has 1 error" in done.stderr
        assert "BatchNorm2d" in done.stderr
