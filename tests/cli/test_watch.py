"""`pruneconf lint --watch`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import Run, interruptible

GOOD = "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n"


def test_it_checks_again_when_a_file_changes_or_comes(tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / "a.prune.yaml").write_text(GOOD)
    command = [sys.executable, "-m", "pruneconf", "lint", "--watch", "--format", "github", "configs"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, cwd=tmp_path, text=True, preexec_fn=interruptible, **pipes)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "pruneconf: waiting for changes, Ctrl-C ends\n"
        (configs / "a.prune.yaml").write_text(GOOD.replace("sparsity", "sparsty"))
        assert "file=configs/a.prune.yaml,line=2" in process.stdout.readline()
        assert process.stdout.readline() == "pruneconf: waiting for changes, Ctrl-C ends\n"
        (configs / "a.prune.yaml").write_text(GOOD)
        assert process.stdout.readline() == "pruneconf: waiting for changes, Ctrl-C ends\n"
        (configs / "b.prune.yaml").write_text(GOOD.replace("0.5", "5"))
        assert "file=configs/b.prune.yaml,line=2" in process.stdout.readline()
    finally:
        os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 0


def test_standard_input_cannot_be_watched(pruneconf: Run) -> None:
    done = pruneconf("lint", "--watch", "-")
    assert done.returncode == 2
    assert "`--watch` is about files" in done.stderr
