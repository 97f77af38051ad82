"""Progress on a terminal, and the forecast of `--dry-run`."""

from __future__ import annotations

import io
import itertools
import os
import re
from pathlib import Path

import pytest

from pruneconf.cli.progress import progress
from tests.conftest import Run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.getvalue())


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def test_phase_rate_and_time_left_on_a_terminal() -> None:
    stream = Terminal()
    seconds = itertools.count()
    with progress(stream, clock=lambda: next(seconds) / 4) as tell:
        for done in range(40):
            tell("ranking", done * 10**9, 200 * 10**9)
        for done in range(40):
            tell("writing", done * 10**9, 200 * 10**9)
        tell("flushing", 0, 0)
    shown = stream.shown()
    assert re.search(r"ranking .*%", shown)
    assert re.search(r"writing .*%", shown)
    assert "flushing" in shown


def test_a_short_run_shows_nothing() -> None:
    stream = Terminal()
    with progress(stream, clock=lambda: 0.0) as tell:
        for done in range(100):
            tell("writing", done, 100)
    assert stream.getvalue() == ""


def test_a_pipe_gets_nothing() -> None:
    stream = io.StringIO()
    seconds = itertools.count()
    with progress(stream, clock=lambda: next(seconds)) as tell:
        for done in range(100):
            tell("writing", done, 100)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", ["bool", "packed", "none"])
def test_a_dry_run_writes_nothing_and_knows_what_would_be_written(here: Path, pruneconf: Run, form: str) -> None:
    before = sorted(here.rglob("*"))
    arguments = ["apply", "model.py", "cfg.yaml", "-o", "out", "--masks", form]
    done = pruneconf(*arguments, "--dry-run", "--no-cache")
    assert (done.returncode, done.stderr) == (0, "")
    assert [path for path in sorted(here.rglob("*")) if "__pycache__" not in path.parts] == before
    planned = re.search(r"^total: ([\d,]+) of ([\d,]+) weights masked", done.stdout, re.MULTILINE)
    assert planned
    said = re.search(r"weights ([\d.]+) kB(?:, masks ([\d.]+) k?B)?, everything else", done.stdout)
    assert said
    assert "extrapolated from a few of the weights" in done.stdout
    did = pruneconf(*arguments)
    assert did.stdout.startswith(f"{planned[1]} of {planned[2]} weights masked")
    assert f"{(here / 'out' / 'model.safetensors').stat().st_size / 1000:.4g}" == said[1]
    masks = here / "out" / "masks.safetensors"
    assert masks.exists() == (form != "none") == (said[2] is not None)
    if said[2] is not None:
        size = masks.stat().st_size
        assert f"{size / 1000 if size >= 1000 else size:.4g}" == said[2]


@pytest.mark.parametrize("options", [["--pruner", "l1"], ["--pruner", "fpgm", "--coupled"], ["--compact"]])
def test_a_dry_run_of_channels(here: Path, pruneconf: Run, options: list[str]) -> None:
    (here / "channels.yaml").write_text("- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n")
    pruner = options if "--pruner" in options else ["--pruner", "l2", *options]
    done = pruneconf("apply", "model.py", "channels.yaml", "-o", "out", "--dry-run", *pruner)
    assert done.returncode == 0, done.stderr
    assert "\ntime: less than a second" in done.stdout
    assert not (here / "out").exists()


def test_a_dry_run_on_a_disk_with_too_little_room(here: Path, pruneconf: Run) -> None:
    (here / "small").mkdir()
    (here / "small" / "sitecustomize.py").write_text(
        "import collections, shutil\n"
        "usage = collections.namedtuple('usage', 'total used free')\n"
        "shutil.disk_usage = lambda path: usage(10, 5, 5)\n"
    )
    path = os.pathsep.join(filter(None, [str(here / "small"), os.environ.get("PYTHONPATH")]))
    done = pruneconf("apply", "model.py", "cfg.yaml", "-o", "out", "--dry-run", PYTHONPATH=path)
    assert done.returncode == 1
    assert "free: 5 B" in done.stdout
    assert "there is no room for `out`" in done.stderr


def test_a_dry_run_refuses_what_apply_refuses(here: Path, pruneconf: Run) -> None:
    (here / "out").mkdir()
    (here / "out" / "notes.txt").write_text("mine")
    done = pruneconf("apply", "model.py", "cfg.yaml", "-o", "out", "--dry-run")
    assert done.returncode == 2
    assert "`out` is not empty" in done.stderr
    assert pruneconf("apply", "model.py", "cfg.yaml", "-o", "out", "--dry-run", "--force").returncode == 0
    assert [path.name for path in (here / "out").iterdir()] == ["notes.txt"]
