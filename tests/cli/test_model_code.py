"""What the code of a model may do without harm: it runs in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.cli.conftest import MODEL
from tests.conftest import Run, interruptible

NOISE = """\
import ctypes, os, sys, warnings
print("noise from print")
print("noise from stderr", file=sys.stderr)
os.write(1, b"noise from a file descriptor\\n")
ctypes.CDLL(None).puts(b"noise from C")
ctypes.CDLL(None).fflush(None)
warnings.warn("noise from a warning")
"""
LEFTOVERS = """\
import atexit, os, subprocess, threading, time
atexit.register(time.sleep, 1000)
threading.Thread(target=time.sleep, args=(1000,)).start()
subprocess.Popen(["sleep", "1000"])
child = os.fork()
if not child:
    time.sleep(1000)
open("left.txt", "w").write(f"{os.getpid()} {child}")
"""
ENDINGS = {
    "sys.exit": "import sys\n\nsys.exit(3)\n",
    "os._exit": "import os\n\nos._exit(3)\n",
    "crash": "import ctypes\n\n\ndef read(address):\n    ctypes.string_at(address)\n\n\nread(0)\n",
    "killed": "import os, signal\n\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "exit in forward": MODEL.replace("return self.fc", "raise SystemExit\n        return self.fc"),
    "asks": "name = input('which model?')\n",
}
LOOP = "open('started.txt', 'w').close()\nwhile True:\n    pass\n"


def test_what_it_prints_is_shown_with_debug_only(here: Path, pruneconf: Run) -> None:
    (here / "model.py").write_text(NOISE + MODEL)
    done = pruneconf("lint", "model.py", "cfg.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("nothing wrong in 1 file, checked against model.py\n")
    again = pruneconf("lint", "--debug", "--no-cache", "model.py", "cfg.yaml")
    assert again.stdout == done.stdout
    assert again.stderr.count("noise") >= NOISE.count("noise")


@pytest.mark.parametrize("ending", ENDINGS)
def test_however_it_ends_there_is_one_sentence(
    here: Path, pruneconf: Run, snapshot: SnapshotAssertion, ending: str
) -> None:
    (here / "model.py").write_text(ENDINGS[ending])
    done = pruneconf("lint", "model.py", "cfg.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == snapshot


def test_a_loop_without_end_is_stopped_and_located(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    (here / "helper.py").write_text(LOOP)
    (here / "model.py").write_text("import helper\n")
    done = pruneconf("trace", "--timeout", "0.5", "model.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.replace("line 3", "line 2") == snapshot


def test_nothing_that_it_started_is_waited_for_or_left_behind(here: Path, pruneconf: Run) -> None:
    (here / "model.py").write_text(LEFTOVERS + MODEL)
    done = pruneconf("lint", "model.py", "cfg.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    for process in map(int, (here / "left.txt").read_text().split()):
        assert is_gone(process)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory")
def test_more_memory_than_there_is(here: Path, pruneconf: Run) -> None:
    most = int(psutil.virtual_memory().available * 0.95)  # never written to: it takes no memory even if it succeeds
    (here / "model.py").write_text(f"import torch\n\nx = torch.empty({most}, dtype=torch.uint8, device='cpu')\n")
    done = pruneconf("lint", "model.py", "cfg.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("pruneconf: `model.py` cannot be imported: line 3: RuntimeError: ")
    assert done.stderr.endswith("make large tensors on the default device, where a graph needs no memory for them\n")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_who_stops_the_command_stops_the_model(here: Path, how: signal.Signals) -> None:
    if how is signal.SIGKILL and sys.platform != "linux":
        pytest.skip("elsewhere the time limit ends it")
    (here / "model.py").write_text("import os\n" + LOOP.replace("close()", "write(str(os.getpid()))"))
    command = [sys.executable, "-m", "pruneconf", "lint", "model.py", "cfg.yaml"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=here, text=True, preexec_fn=interruptible, **pipes) as running:
        model = started(here / "started.txt")
        running.send_signal(how)
        _, err = running.communicate(timeout=60)
    assert is_gone(model)
    if how is signal.SIGINT:
        assert (running.returncode, err.strip()) == (130, "pruneconf: interrupted")


def test_inputs_are_for_models_that_are_to_be_traced(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    (here / "model.py").write_text(MODEL)
    calls = [
        ("lint", "--input", "1,1,8,8", "cfg.yaml"),
        ("show", "--input", "1,1,8,8", "net.graph.json", "cfg.yaml"),
        ("lint", "--input", "1,1,8,eight", "model.py", "cfg.yaml"),
        ("init", "--timeout", "0", "model.py"),
    ]
    refused = [pruneconf(*call) for call in calls]
    assert [done.returncode for done in refused] == [2] * len(calls)
    assert "".join(done.stderr for done in refused) == snapshot


def started(file: Path) -> int:
    """The process that says in this file that it has started."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()):
            return int(text)
        time.sleep(0.05)
    raise AssertionError("the model did not start")


def is_gone(process: int) -> bool:
    """Whether a process has ended, or does so at once."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not psutil.pid_exists(process) or psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    os.kill(process, signal.SIGKILL)
    return False
