"""`--pruner`, `--coupled` and `--compact` from outside."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from pruneconf.config.schema import schema_text
from tests.cli.conftest import MODEL
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


@pytest.mark.parametrize("pruner", ["level", "fpgm"])
def test_a_seed_that_nothing_uses_is_refused(here: Path, pruneconf: Run, pruner: str) -> None:
    done = pruneconf("apply", "model.py", "channels.yaml", "--pruner", pruner, "--seed", "0", "-o", "out")
    assert done.returncode == 2
    assert done.stderr == f"pruneconf: `--seed` is for the pruner `random`, not `{pruner}`; leave it out\n"
    assert not (here / "out").exists()


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


SIZED = MODEL.replace(".mean((2, 3))", ".view(-1, 16, 49).mean(2)")
ODD = {
    "a graph has no code": ("net.graph.json", "0.5", MODEL),
    "a size in the code": ("model.py", "0.5", SIZED),
    "nothing is masked": ("model.py", "0.01", MODEL),
    "its inputs are wrong": ("model.py", "0.5", MODEL + "\n\nexample_inputs = torch.zeros(1, 3, 9, 9)\n"),
    "it runs without values only": (
        "model.py",
        "0.5",
        MODEL.replace(
            "        return self.fc", "        assert x.is_meta, 'no values, please'\n        return self.fc"
        ),
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_compacted_is_said_in_a_sentence(
    here: Path, pruneconf: Run, snapshot: SnapshotAssertion, name: str
) -> None:
    model, ratio, code = ODD[name]
    (here / "model.py").write_text(code)
    (here / "odd.yaml").write_text(f"- op_names: [blocks.1.conv]\n  sparsity_per_layer: {ratio}\n")
    shape = [] if "example_inputs" in code or model != "model.py" else ["--input", "1,1,9,9"]
    done = pruneconf("apply", model, "odd.yaml", "--pruner", "l1", "--compact", *shape, "-o", "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == snapshot
    assert not (here / "out").exists()


def test_coupling_needs_channels_and_a_trace(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    level = pruneconf("show", "model.py", "channels.yaml", "--coupled")
    untraced = pruneconf("show", "net.graph.json", "channels.yaml", "--coupled", "--pruner", "l1")
    unknown = pruneconf("show", "model.py", "channels.yaml", "--pruner", "l3")
    assert [(done.returncode, done.stderr) for done in (level, untraced, unknown)] == snapshot


def test_what_a_model_prints_stays_off_the_output(here: Path, pruneconf: Run) -> None:
    (here / "model.py").write_text(
        MODEL.replace("        return self.fc", "        print('noise')\n        return self.fc")
    )
    done = pruneconf("apply", "model.py", "channels.yaml", "--pruner", "l1", "--compact", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert "noise" not in done.stdout
