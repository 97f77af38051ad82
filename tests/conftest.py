"""What several test folders need: running the command line as a user does, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# no deadline: machines that test differ in speed
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2000)  # new examples each time: `make fuzz`
settings.load_profile("fixed")

Run = Callable[..., subprocess.CompletedProcess[str]]


def interruptible() -> None:
    """Let Ctrl-C end a process that is about to start: jobs in the background of a script inherit that they ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def pruneconf(tmp_path: Path) -> Run:
    """Run `pruneconf ARGUMENTS` in the test's own folder; the environment has neither colour nor a terminal."""

    def run(
        *arguments: object, stdin: str | bytes = "", cwd: Path = tmp_path, **env: str
    ) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR", "PYTHONWARNINGS"}}
        done = subprocess.run(
            [sys.executable, "-m", "pruneconf", *map(str, arguments)],
            cwd=cwd,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env=clean | {"PYTHONUTF8": "1"} | env,
            timeout=120,
            check=False,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return run
