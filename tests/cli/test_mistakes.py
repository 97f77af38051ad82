"""What people get wrong on the command line: each time one sentence that says what to do, and nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from pruneconf.config.schema import schema_text
from tests.conftest import Run


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("lint cfg.yaml model.py", "`model.py` holds no config list: as a model, name it before the configs"),
        ("lint cgf.yaml", "there is no file `cgf.yaml`: did you mean `cfg.yaml`?"),
        ("lint cfg.yam", "there is no `cfg.yam`: give its path as seen from the current directory"),
        ("lint nowhere/", "there is no `nowhere/`: give its path as seen from the current directory"),
        (
            "lint model.py",
            "`model.py` holds no config list: as a model, name it before the configs",
        ),
        (
            "show cfg.yaml model.py",
            "`cfg.yaml` is taken for a config: name the model first, `model.py` or a graph file (`*.graph.json`)",
        ),
        ("show net.graph.json two", "`two` holds 2 configs: name one of them, such as `two/a.prune.yaml`"),
        (
            "verify net.graph.json two cfg.yaml",
            "`cfg.yaml` is a file: the order is MODEL, CONFIG, and the directory that `apply` wrote",
        ),
        (
            "verify net.graph.json cfg.yaml nowhere",
            "there is no directory `nowhere`: name one that `pruneconf apply` wrote",
        ),
        ("trace model.py -o g.json", "`g.json` would not be taken for a graph file: call it `g.graph.json`"),
        (
            "trace net.graph.json",
            "`net.graph.json` is a model graph already: every command takes it in place of the model",
        ),
        ("init net.graph.json -o first.json", "`first.json` would not be read as YAML: call it `first.yaml`"),
        (
            "init net.graph.json -o no/first.yaml",
            "cannot write `no/first.yaml`: no such file or directory; name another file with `-o`",
        ),
        (
            "apply net.graph.json cfg.yaml -o out",
            "`net.graph.json` has no weights in it: name a checkpoint with --weights",
        ),
        (
            "apply net.graph.json cfg.yaml -o out --weights model.pt",
            "there is no `model.pt`; give its path as seen from the current directory",
        ),
    ],
)
def test_a_mistake_is_one_sentence(here: Path, pruneconf: Run, command: str, sentence: str) -> None:
    (here / "two").mkdir()
    for name in ("a", "b"):
        (here / "two" / f"{name}.prune.yaml").write_text((here / "cfg.yaml").read_text())
    before = set(here.rglob("*"))
    done = pruneconf(*command.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"pruneconf: {sentence}\n")
    assert set(here.rglob("*")) == before


@pytest.mark.parametrize("option", ["--timeout", "--stall-timeout"])
@pytest.mark.parametrize("seconds", ["nan", "inf", "1e300", "soon", "0"])
def test_a_time_that_no_clock_counts(here: Path, pruneconf: Run, option: str, seconds: str) -> None:
    done = pruneconf("apply", "model.py", "cfg.yaml", "-o", "out", option, seconds)
    assert done.returncode == 2
    assert f"Error: Invalid value for '{option}': " in done.stderr
    assert not (here / "out").exists()


def test_warnings_are_not_passed_over(here: Path, pruneconf: Run) -> None:
    (here / "cfg.yaml").write_text("- op_types: [Conv2d]\n  total_sparsity: 0.6\n")
    said = "pruneconf: the linter has 1 warning about this: pruneconf lint model.py cfg.yaml\n"
    for options in (["--dry-run"], []):
        done = pruneconf("apply", "model.py", "cfg.yaml", "-o", "out", *options)
        assert (done.returncode, done.stderr) == (0, said)
    assert "PC403" in (here / "out" / "report.html").read_text()


def test_what_is_not_copied_is_named(here: Path, pruneconf: Run) -> None:
    assert pruneconf("apply", "model.py", "cfg.yaml", "-o", "in").returncode == 0
    for name in ("config.json", "tf_model.h5", "training_args.bin"):
        (here / "in" / name).write_text("{}")
    done = pruneconf("apply", "net.graph.json", "cfg.yaml", "--weights", "in", "-o", "out")
    said = "not copied from `in`, since they may hold weights that are not pruned: `tf_model.h5`, `training_args.bin`"
    assert (done.returncode, done.stderr) == (0, f"pruneconf: {said}\n")
    copied = {path.name for path in (here / "out").iterdir()} & {path.name for path in (here / "in").iterdir()}
    assert copied == {"config.json", "masks.safetensors", "model.safetensors", "report.html", "report.json"}


def test_the_next_command_can_be_copied(here: Path, pruneconf: Run) -> None:
    (here / "a b").mkdir()
    (here / "a b" / "x.prune.yaml").write_text((here / "cfg.yaml").read_text())
    done = pruneconf("lint", "net.graph.json", "a b")
    assert "next: pruneconf show net.graph.json 'a b/x.prune.yaml'" in done.stdout


@pytest.mark.parametrize("arguments", [["lint", "cfg.yaml"], ["show", "net.graph.json", "cfg.yaml"], ["schema"]])
def test_output_that_finds_no_room(here: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "pruneconf", *arguments]
        done = subprocess.run(command, cwd=here, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "pruneconf: cannot write the output: no space left on device; send it elsewhere\n"


def test_closed_output_changes_no_verdict(here: Path) -> None:
    (here / "bad.yaml").write_text("- {}\n")
    command = f"{sys.executable} -m pruneconf lint bad.yaml >&-"
    done = subprocess.run(["bash", "-c", command], cwd=here, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


def test_debug_shows_where_the_model_failed(here: Path) -> None:
    (here / "broken.py").write_text("import torch\n\nmodel = torch.nn.Linear(3, 'four')\n")
    command = [sys.executable, "-m", "pruneconf", "show", "broken.py", "cfg.yaml", "--debug"]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert 'broken.py", line 3' in done.stderr


def test_apply_and_verify(here: Path, pruneconf: Run) -> None:
    done = pruneconf("apply", "model.py", "cfg.yaml", "-o", "out")
    assert done.returncode == 0, done.stderr
    report = json.loads((here / "out" / "report.json").read_text())
    jsonschema.validate(report, json.loads(schema_text("report")))
    assert list(report["inputs"]) == ["cfg.yaml", "model.py"]
    assert done.stdout.endswith("next: pruneconf verify model.py cfg.yaml out\n")
    assert pruneconf("verify", "model.py", "cfg.yaml", "out").returncode == 0
    (here / "other.yaml").write_text("- op_types: [Conv2d]\n  sparsity_per_layer: 0.25\n")
    other = pruneconf("verify", "model.py", "other.yaml", "out")
    assert other.returncode == 1
    assert other.stdout.startswith("out does not satisfy other.yaml: `conv1` has no mask `conv1.weight`")
    (here / "out" / "masks.safetensors").unlink()
    gone = pruneconf("verify", "model.py", "cfg.yaml", "out")
    assert gone.returncode == 1
    assert "`masks.safetensors`, which `report.json` describes, is missing" in gone.stdout


def test_force_spares_the_graph_file(here: Path, pruneconf: Run) -> None:
    assert pruneconf("apply", "model.py", "cfg.yaml", "-o", "out").returncode == 0
    (here / "net.graph.json").rename(here / "out" / "net.graph.json")
    arguments = ["out/net.graph.json", "cfg.yaml", "-o", "out", "--force", "--weights", "out2/model.safetensors"]
    (here / "out2").mkdir()
    (here / "out" / "model.safetensors").rename(here / "out2" / "model.safetensors")
    done = pruneconf("apply", *arguments)
    assert done.returncode == 2
    assert "`out` holds the input `out/net.graph.json`" in done.stderr
    assert (here / "out" / "net.graph.json").exists()


@pytest.mark.parametrize("env", [{"WORLD_SIZE": "x"}, {"RANK": "x"}, {}])
def test_processes_that_are_not_described_well(here: Path, pruneconf: Run, env: dict[str, str]) -> None:
    told = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_PORT": "29511"} | env
    done = pruneconf("apply", "net.graph.json", "cfg.yaml", "--weights", "w.safetensors", "-o", "out", **told)
    assert done.returncode == 2
    assert done.stderr.startswith("pruneconf: the processes of this run could not find each other (")
    assert "; check `RANK`, `WORLD_SIZE`, `MASTER_ADDR`, " in done.stderr
