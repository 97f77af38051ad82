"""The output directory: whole or not at all, never over what must be kept."""

import errno
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tied import plan_of

from pruneconf import PruneconfError
from pruneconf.pruning import apply, save, staging, verify
from pruneconf.pruning import prune as prune_model

CONFIG = [{"op_types": ["Linear"], "total_sparsity": 0.5}]

CHILD = """
import os, sys, torch, pruneconf
from pathlib import Path
from pruneconf.pruning import apply
with torch.device("meta"):
    model = torch.nn.Sequential(*[torch.nn.Linear(256, 256) for _ in range(16)])
plan = pruneconf.resolve(pruneconf.load([{"op_types": ["Linear"], "total_sparsity": 0.5}]), pruneconf.trace(model))
print("ready", flush=True)
for _ in sys.stdin:
    if pid := os.fork():
        print(pid, flush=True)
        os.waitpid(pid, 0)
        continue
    try:
        while True:
            apply(plan, Path("w.safetensors"), Path("out"), force=True)
    except pruneconf.PruneconfError as error:
        print(error, flush=True)
    os._exit(0)
"""


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A working directory with a checkpoint of 4 MB, and its plan."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = torch.nn.Sequential(*[torch.nn.Linear(256, 256) for _ in range(16)])
    save_file(model.state_dict(), "w.safetensors")
    return plan_of(model, CONFIG)


class Runs:
    """A process that imports everything once, and then forks one that runs `apply` in a loop whenever it is told to."""

    def __init__(self, **options):
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
        )
        assert self.read() == "ready"

    def read(self):
        return self._process.stdout.readline().strip()

    def start(self):
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return int(self.read())

    def stop(self):
        self._process.communicate()


def wait_until(pid, state):
    """Wait until a process is in this state (`T` stopped), or gone (empty)."""
    while True:
        try:
            now = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            now = ""
        if now == state:
            return
        time.sleep(0.001)


def names():
    return sorted(path.name for path in Path().iterdir())


def hidden():
    return [name for name in names() if name.startswith(".out.pruneconf-")]


def test_killed_at_any_moment_leaves_all_or_nothing(large):
    """`apply --force` in a loop, killed again and again: either output or none, and the next run tidies up."""
    chance = random.Random(0)
    runs = Runs()
    for _ in range(15):
        pid = runs.start()
        time.sleep(0.01 + chance.random() * 0.2)
        os.kill(pid, signal.SIGKILL)
        wait_until(pid, "")
        assert set(names()) - set(hidden()) <= {"out", "w.safetensors"}
        if Path("out").exists():
            assert verify(large, Path("out")).ok
    runs.stop()
    apply(large, Path("w.safetensors"), Path("out"), force=True)
    assert names() == ["out", "w.safetensors"]


def test_killed_while_replacing_brings_the_old_one_back(large, files):
    """As if killed between moving the old output away and moving the new one in."""
    apply(large, Path("w.safetensors"), Path("out"))
    Path("out/notes.txt").write_text("old")
    old = files(Path("out"))
    Path("out").rename(".out.pruneconf-abc.old")
    Path(".out.pruneconf-abc").mkdir()
    with pytest.raises(PruneconfError, match="is not empty"):
        apply(large, Path("w.safetensors"), Path("out"))
    assert names() == ["out", "w.safetensors"]
    assert files(Path("out")) == old


def test_a_run_that_lives_is_left_alone(large):
    runs = Runs()
    pid = runs.start()
    while not any(Path().glob(".out.pruneconf-*/*")):  # it has its lock when it writes
        time.sleep(0.001)
    os.kill(pid, signal.SIGSTOP)
    wait_until(pid, "T")
    before = hidden()
    apply(large, Path("w.safetensors"), Path("out"), force=True)
    assert hidden() == before
    os.kill(pid, signal.SIGKILL)
    runs.stop()
    assert verify(large, Path("out")).ok


def test_a_full_disk(large, snapshot):
    runs = Runs(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    runs.start()
    assert runs.read().replace(str(Path.cwd()), "") == snapshot
    runs.stop()
    assert names() == ["w.safetensors"]


def test_interrupted(large, monkeypatch):
    def interrupt(phase, done, total):
        if phase == "writing" and done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply(large, Path("w.safetensors"), Path("out"), progress=interrupt)
    assert names() == ["w.safetensors"]


def test_force_keeps_the_old_output_until_the_new_one_is_there(large, files):
    apply(large, Path("w.safetensors"), Path("out"))
    Path("out/notes.txt").write_text("mine")
    old = files(Path("out"))
    with pytest.raises(ZeroDivisionError):
        apply(
            large,
            Path("w.safetensors"),
            Path("out"),
            force=True,
            progress=lambda phase, *_: phase != "writing" or 1 / 0,
        )
    assert files(Path("out")) == old
    apply(large, Path("w.safetensors"), Path("out"), masks="none", force=True)
    assert sorted(path.name for path in Path("out").iterdir()) == ["model.safetensors", "report.json"]
    assert names() == ["out", "w.safetensors"]


def test_an_empty_directory_and_a_link_are_places_too(large):
    Path("elsewhere").mkdir()
    Path("out").symlink_to("elsewhere")
    apply(large, Path("w.safetensors"), Path("out"))
    assert Path("out").is_symlink()
    assert verify(large, Path("elsewhere")).ok


def not_empty():
    Path("out").mkdir()
    Path("out/keep").touch()
    return Path("w.safetensors"), Path("out"), False


def a_file():
    Path("out").touch()
    return Path("w.safetensors"), Path("out"), True


def no_parent():
    return Path("w.safetensors"), Path("runs/out"), False


def over_the_input():
    Path("in").mkdir()
    Path("w.safetensors").rename("in/w.safetensors")
    return Path("in/w.safetensors"), Path("in"), True


def onto_the_input_folder():
    Path("in").mkdir()
    shutil.copy("w.safetensors", "in/model.safetensors")
    return Path("in"), Path("in"), True


def into_the_input_folder():
    Path("in").mkdir()
    shutil.copy("w.safetensors", "in/model.safetensors")
    return Path("in"), Path("in/out"), False


def over_the_working_directory():
    Path("deep").mkdir()
    source = Path("w.safetensors").resolve()
    os.chdir("deep")
    Path("keep").touch()
    return source, Path(), True


PLACES = [
    not_empty,
    a_file,
    no_parent,
    over_the_input,
    onto_the_input_folder,
    into_the_input_folder,
    over_the_working_directory,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_places_that_are_refused(large, tmp_path, place, files, snapshot):
    source, out, force = place()
    before = files(tmp_path)
    with pytest.raises(PruneconfError) as caught:
        apply(large, source, out, force=force)
    assert str(caught.value).replace(str(tmp_path), "") == snapshot
    assert files(tmp_path) == before


def test_save_writes_what_verify_accepts(model, plan, tmp_path):
    masks = prune_model(model, plan)
    save(model, masks, tmp_path / "out")
    assert verify(plan, tmp_path / "out").ok
    state = load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    with pytest.raises(PruneconfError, match="is not empty"):
        save(model, masks, tmp_path / "out")
    with torch.no_grad():
        model.hidden.weight += 1
    with pytest.raises(PruneconfError, match=r"`hidden.weight` has \d+ masked elements that are not zero"):
        save(model, masks, tmp_path / "out", force=True)
    assert verify(plan, tmp_path / "out").ok


def test_a_disk_without_locks(large, monkeypatch):
    """As some network file systems are: what is left over stays there, since it may be another run's."""

    def refused(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    once = iter(["1234"])
    monkeypatch.setattr(staging.fcntl, "flock", refused)
    monkeypatch.setattr(staging.secrets, "token_hex", lambda _: next(once))
    Path(".out.pruneconf-left").mkdir()
    apply(large, Path("w.safetensors"), Path("out"))
    assert verify(large, Path("out")).ok
    assert hidden() == [".out.pruneconf-left"]
