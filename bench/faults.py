"""Every fault in every phase of `apply`: what is left, and does a run with `--resume` give the same bytes afterwards.

Run as `python bench/faults.py [--write]`; `--write` puts the table into docs/faults.md.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

import pruneconf
from pruneconf.plan import Plan
from pruneconf.pruning import apply, filearray, staging, writer

SHARDS = 3
PHASES: dict[str, tuple[Any, str]] = {
    "read": (sys.modules["pruneconf.pruning.apply"], "locate"),
    "select": (sys.modules["pruneconf.pruning.apply"], "cuts_of"),
    "write shard": (writer.CheckpointWriter, "_advance"),
    "masks": (writer.CheckpointWriter, "_enter"),
    "report": (sys.modules["pruneconf.pruning.apply"], "report_on"),
    "rename": (staging, "_sync"),
}
SHARD = Path("in/model-2.safetensors")
Files = dict[str, bytes]


def raising(number: int) -> Callable[[], None]:
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


FAULTS: dict[str, Callable[[], None]] = {
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


def setup() -> Plan:
    torch.manual_seed(0)
    Path("in").mkdir()
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


def faulty(plan: Plan, phase: str, fault: Callable[[], None]) -> str:
    """Run `apply` in a process of its own, with a fault; how it ended."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        owner, name = PHASES[phase]
        original = getattr(owner, name)
        left = iter([None] * (2 if phase == "write shard" else 0))

        def hooked(*args: object) -> object:
            if next(left, fault) is fault:
                fault()
            return original(*args)

        setattr(owner, name, hooked)
        try:
            apply(plan, Path("in"), Path("out"))
            os.write(writing, b"done")
        except pruneconf.PruneconfError as error:
            os.write(writing, str(error).encode())
        except BaseException as error:  # noqa: BLE001 - that is what is to be found out
            os.write(writing, f"TRACEBACK {error!r}".encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(reading) as file:
        told = file.read()
    return told.replace(f"{Path.cwd()}/", "") or f"died of {signal.Signals(os.WTERMSIG(status)).name}"


def outcome(plan: Plan, phase: str, fault: Callable[[], None], whole: Files) -> tuple[str, bool, bool]:
    """What is told, whether anything is lost, whether any output is wrong."""
    told = faulty(plan, phase, fault)
    wrong = Path("out").exists() and contents(Path("out")) != whole
    killed, left = told.startswith("died"), hidden()
    lost = told.startswith("TRACEBACK") or (bool(left) and not killed) or (told == "done") != Path("out").exists()
    ended = told if not killed else told + ("; can be resumed" if left else "")
    return ended, lost, wrong


def matrix() -> tuple[list[tuple[str, str, str]], int, int]:
    """Rows of fault, phase and outcome; how often something was lost, and how often an output was wrong."""
    plan = setup()
    source = contents(Path("in"))
    apply(plan, Path("in"), Path("whole"))
    whole = contents(Path("whole"))
    rows, lost, wrong = [], 0, 0
    for name, fault in FAULTS.items():
        for phase in PHASES:
            if name in ("disk full (ENOSPC)", "write error (EIO)") and phase not in WRITES:
                continue
            ended, loses, errs = outcome(plan, phase, fault, whole)
            touched = {SHARD.name} if name.startswith("input") else set()
            intact = all(data == source[file] for file, data in contents(Path("in")).items() if file not in touched)
            if touched:  # put back what the fault did; it is another file then, so nothing can be resumed
                SHARD.write_bytes(source[SHARD.name])
            if not Path("out").exists():
                apply(plan, Path("in"), Path("out"), resume=True)
            errs |= contents(Path("out")) != whole
            for path in (Path("out"), *hidden()):
                os.system(f"rm -rf '{path}'")
            rows.append((name, phase, ended))
            lost, wrong = lost + (loses or not intact), wrong + errs
    return rows, lost, wrong


def page(rows: list[tuple[str, str, str]], lost: int, wrong: int) -> str:
    """The table as a page."""
    lines = [
        "# When things go wrong",
        "",
        "`bench/faults.py` runs `apply` on a checkpoint in shards and lets something fail in each phase. Then",
        "it looks at what is left, and runs `apply --resume`, whose output must be that of an undisturbed run, byte",
        "for byte.",
        "",
        f"{len(rows)} runs: inputs or finished outputs lost {lost}, wrong output {wrong}.",
        "",
        "| fault | phase | how the run ended |",
        "|---|---|---|",
        *(f"| {fault} | {phase} | {ended} |" for fault, phase, ended in rows),
        "",
        "`done`: the fault came after the input had been read and checked, or the run read nothing more; the output is",
        "the right one. A run that died leaves nothing at its output, only a hidden directory beside it, which another",
        "run takes over (`--resume`) or clears away. Faults are signals and calls made to fail inside the process; the",
        "power was not cut.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="write docs/faults.md")
    target = Path(__file__).resolve().parent.parent / "docs" / "faults.md"
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        rows, lost, wrong = matrix()
        os.chdir("/")
    text = page(rows, lost, wrong)
    print(text)
    if options.write:
        target.write_text(text, "utf-8")
    return int(bool(lost or wrong))


if __name__ == "__main__":
    sys.exit(main())
