"""Runs of `apply` on a small checkpoint in shards, in which something fails."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

import pruneconf
from pruneconf.plan import Plan
from pruneconf.pruning import apply, filearray, staging, writer

SHARDS = 3
APPLY = sys.modules["pruneconf.pruning.apply"]
PHASES: dict[str, tuple[Any, str]] = {
    "read": (APPLY, "locate"),
    "select": (APPLY, "cuts_of"),
    "write shard": (writer.CheckpointWriter, "_advance"),
    "masks": (writer.CheckpointWriter, "_enter"),
    "report": (APPLY, "report_on"),
    "rename": (staging, "_sync"),
}
SHARD = Path("in/model-2.safetensors")
IN, OUT = Path("in"), Path("out")
Files = dict[str, bytes]
Fault = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One run: the fault, where it came, how the run ended, and whether anything was lost or an output wrong."""

    fault: str
    phase: str
    ended: str
    lost: bool
    wrong: bool


def raising(number: int) -> Fault:
    def fault() -> None:
        raise OSError(number, os.strerror(number))

    return fault


def failing_reads() -> None:
    def preadv(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    filearray.os.preadv = preadv  # type: ignore[attr-defined]


def changed() -> None:
    with SHARD.open("ab") as file:
        file.write(b"x")


FAULTS: dict[str, Fault] = {
    "kill -9": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "disk full (ENOSPC)": raising(errno.ENOSPC),
    "write error (EIO)": raising(errno.EIO),
    "read error (EIO)": failing_reads,
    "input changed": changed,
    "input truncated": lambda: os.truncate(SHARD, 4000),
}
WRITES = ("write shard", "masks", "report", "rename")


def contents(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def hidden() -> list[Path]:
    return [path for path in Path().iterdir() if path.name.startswith(".out.")]


def clear() -> None:
    for path in (OUT, *hidden()):
        shutil.rmtree(path, ignore_errors=True)


def setup() -> Plan:
    torch.manual_seed(0)
    IN.mkdir()
    weight_map = {}
    for i in range(SHARDS):
        tensors = {f"{i}.weight": torch.randn(64, 64), f"{i}.bias": torch.randn(64)}
        save_file(tensors, f"in/model-{i}.safetensors", {"format": "pt"})
        weight_map |= dict.fromkeys(tensors, f"model-{i}.safetensors")
    Path("in/model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    Path("in/config.json").write_text("{}")
    with torch.device("meta"):
        model = torch.nn.Sequential(*[torch.nn.Linear(64, 64) for _ in range(SHARDS)])
    config = pruneconf.load([{"op_types": ["Linear"], "total_sparsity": 0.5}])
    return pruneconf.resolve(config, pruneconf.trace(model))


def strike(place: tuple[Any, str], fault: Fault, skipped: int) -> None:
    """Let a fault come before a call of a function, after some that it lets pass."""
    owner, name = place
    original, left = getattr(owner, name), iter(range(skipped))

    def struck(*args: Any, **kwargs: Any) -> Any:
        if next(left, None) is None:
            fault()
        return original(*args, **kwargs)

    setattr(owner, name, struck)


def forked(work: Callable[[], None]) -> tuple[int, int]:
    """Start a process that ends when `work` does; its number and where to read what it says."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what C++ has to say
        sys.stderr = os.fdopen(writing, "w", 1)
        stderr = sys.stderr
        try:
            work()
            stderr.write("done")
        except pruneconf.PruneconfError as error:
            stderr.write(str(error))
        except BaseException as error:  # noqa: BLE001 - that is what is to be found out
            stderr.write(f"TRACEBACK {error!r}")
        stderr.flush()
        os._exit(0)
    os.close(writing)
    return pid, reading


def said(reading: int) -> str:
    with os.fdopen(reading) as file:
        return file.read().replace(f"{Path.cwd()}/", "")


def faulty(plan: Plan, phase: str, fault: Fault) -> str:
    """Run `apply` in a process of its own, with a fault; how it ended."""

    def work() -> None:
        strike(PHASES[phase], fault, 2 if phase == "write shard" else 0)
        apply(plan, IN, OUT)

    pid, reading = forked(work)
    told, (_, status) = said(reading), os.waitpid(pid, 0)
    return told or f"died of {signal.Signals(os.WTERMSIG(status)).name}"


def resumed(plan: Plan, whole: Files, *, force: bool = False) -> bool:
    """Whether a run with `--resume` gives the right output, and leaves nothing else."""
    if force or not OUT.exists():
        apply(plan, IN, OUT, resume=True, force=force)
    return contents(OUT) == whole and not hidden()
