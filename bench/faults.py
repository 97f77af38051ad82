"""Every fault in every phase of `apply`: what is left, and does a run with `--resume` give the same bytes afterwards.

Run as `python bench/faults.py [--write] [PART ...]`; the parts are `one` process, `damage` to files, `power` cuts and
`two` processes. `--write` puts the tables into docs/faults.md. It ends with status 1 if anything is lost or wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from powercut import Disk, restore
from struck import (
    FAULTS,
    IN,
    OUT,
    PHASES,
    SHARD,
    WRITES,
    Fault,
    Files,
    Row,
    clear,
    contents,
    faulty,
    forked,
    hidden,
    resumed,
    said,
    setup,
    strike,
)

from pruneconf.plan import Plan
from pruneconf.pruning import apply, joined, team, writer


def one(plan: Plan, source: Files, whole: Files) -> Iterator[Row]:
    """Faults in each phase of one process."""
    for name, fault in FAULTS.items():
        for phase in PHASES:
            if name in ("disk full (ENOSPC)", "write error (EIO)") and phase not in WRITES:
                continue
            told = faulty(plan, phase, fault)
            wrong = OUT.exists() and contents(OUT) != whole
            killed, left = told.startswith("died"), bool(hidden())
            lost = told.startswith("TRACEBACK") or (left and not killed) or (told == "done") != OUT.exists()
            if name.startswith("input"):  # put back what the fault did; it is another file then: nothing is resumed
                SHARD.write_bytes(source[SHARD.name])
            lost |= contents(IN) != source
            yield Row(name, phase, told + ("; can be resumed" if left else ""), lost, wrong or not resumed(plan, whole))
            clear()


def headed(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """What does something to the header of a safetensors file."""

    def changed(data: bytes) -> bytes:
        size = struct.unpack("<Q", data[:8])[0]
        head = json.loads(data[8 : 8 + size])
        change(head)
        text = json.dumps(head).encode()
        return struct.pack("<Q", len(text)) + text + data[8 + size :]

    return changed


def at(first: int, last: int) -> Callable[[bytes], bytes]:
    """What gives the weight these offsets."""
    return headed(lambda head: head["2.weight"].update(data_offsets=[first, last]))


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "header longer than the file": lambda data: struct.pack("<Q", 1 << 40) + data[8:],
    "header is no JSON": lambda data: data[:8] + b"!" + data[9:],
    "offsets overlap": at(0, 64 * 64 * 4),
    "offsets past the end": at(1 << 30, (1 << 30) + 64 * 64 * 4),
    "offsets that do not fit the shape": at(256, 300),
    "a dtype that there is not": headed(lambda head: head["2.weight"].update(dtype="F31")),
    "cut off in the header": lambda data: data[:20],
    "cut off in the weights": lambda data: data[:-9],
    "bytes after the end": lambda data: data + bytes(9),
    "empty": lambda data: data[:0],
}
LEFT = {
    "one bit of a shard": "model-1.safetensors",
    "one bit of the masks": "masks.safetensors",
    "one bit of the journal": "unfinished-0.jsonl",
}


def damage(plan: Plan, source: Files, whole: Files) -> Iterator[Row]:
    """Shards that are not right from the start, and leftovers of a killed run that are damaged before it is resumed."""
    for name, change in DAMAGES.items():
        SHARD.write_bytes(change(source[SHARD.name]))
        before = contents(IN)
        pid, reading = forked(lambda: apply(plan, IN, OUT))
        told = said(reading)
        os.waitpid(pid, 0)
        lost = contents(IN) != before or bool(hidden()) or told.startswith("TRACEBACK")
        SHARD.write_bytes(source[SHARD.name])
        yield Row(name, "before the run", told, lost, OUT.exists())
    for name, file in LEFT.items():
        faulty(plan, "report", FAULTS["kill -9"])
        path = next(iter(hidden())) / file
        data = bytearray(path.read_bytes())
        data[-200] ^= 1
        path.write_bytes(data)
        right = resumed(plan, whole)
        yield Row(
            name, "between a killed run and `--resume`", "written anew" if right else "taken over", False, not right
        )
        clear()


def power(plan: Plan, source: Files, whole: Files) -> Iterator[Row]:
    """The power fails before every call that makes, renames, removes or syncs a file."""
    for force in (False, True):
        if force:
            OUT.mkdir()
            (OUT / "old").write_bytes(b"old")
        old = contents(OUT)
        disk = Disk(Path.cwd(), ("out", ".out."))
        with disk.followed():
            apply(plan, IN, OUT, force=force)
        finished, wrong, lost = 0, False, contents(IN) != source
        for image in disk.images:
            clear()
            restore(Path(), image)
            now = contents(OUT)
            finished += now == whole
            wrong |= now not in ({}, old, whole)
            kept = force and any(contents(path) == old for path in hidden() if path.name.endswith(".old"))
            lost |= force and not kept and now not in (old, whole)
            wrong |= not resumed(plan, whole, force=force)
            lost |= contents(IN) != source
        lost |= contents(OUT) != whole  # the last image is that of a run that has ended
        ended = f"{len(disk.images)} disks: {finished} with the whole output, {len(disk.images) - finished} with none"
        yield Row("power cut", "every step" + (" with `--force`" if force else ""), ended, lost, wrong)
        clear()


TEAM_PHASES = {
    0: {**PHASES, "masks": (writer.CheckpointWriter, "_merged")},
    1: {**{name: PHASES[name] for name in ("read", "select", "write shard")},
        "masks": (writer.CheckpointWriter, "_merged"), "report": (team.Team, "publish")},
}  # fmt: skip
TEAM_FAULTS = {
    "kill -9": FAULTS["kill -9"],
    "SIGSTOP": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "disk full (ENOSPC)": FAULTS["disk full (ENOSPC)"],
    "read error (EIO)": FAULTS["read error (EIO)"],
}
STALL, PATIENCE = 2.0, 30.0


def two(plan: Plan, source: Files, whole: Files) -> Iterator[Row]:
    """Faults of one of two processes that prune together."""
    for name, fault in TEAM_FAULTS.items():
        for victim, phases in TEAM_PHASES.items():
            for phase, place in phases.items():
                if name == "disk full (ENOSPC)" and phase not in WRITES:
                    continue
                told, late = together(plan, victim, place, fault)
                killed = name in ("kill -9", "SIGSTOP")
                wrong = OUT.exists() and contents(OUT) != whole
                lost = late or contents(IN) != source or (bool(hidden()) and not killed) or told.count("\n") > 1
                lost |= "TRACEBACK" in told or ("done" in told) != OUT.exists()
                ended = told.strip().removeprefix("pruneconf: ")
                yield Row(f"{name} in process {victim}", phase, ended, lost, wrong or not resumed(plan, whole))
                clear()


def together(plan: Plan, victim: int, place: tuple[Any, str], fault: Fault) -> tuple[str, bool]:
    """Run two processes of which one has a fault; what they say, and whether they had to be ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}

    def work(rank: int) -> None:
        os.environ["RANK"] = str(rank)
        if rank == victim:
            strike(place, fault, 0)
        with joined(STALL, KeyboardInterrupt) as members:
            apply(plan, IN, OUT, team=members)

    begun = [forked(lambda rank=rank: work(rank)) for rank in range(2)]
    until, late = time.monotonic() + PATIENCE, False
    for pid, _ in sorted(begun, key=lambda each: each == begun[victim]):
        while not os.waitpid(pid, os.WNOHANG)[0]:
            time.sleep(0.02)
            if time.monotonic() > until or (pid == begun[victim][0] and fault is TEAM_FAULTS["SIGSTOP"]):
                late |= pid != begun[victim][0]
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                break
    return "".join(dict.fromkeys(said(reading) for _, reading in begun)), late


PARTS = {"one": one, "damage": damage, "power": power, "two": two}


def matrix(parts: list[str]) -> Iterator[Row]:
    plan = setup()
    apply(plan, IN, Path("whole"))
    source, whole = contents(IN), contents(Path("whole"))
    for part in parts:
        yield from PARTS[part](plan, source, whole)


def page(rows: list[Row]) -> str:
    """The table as a page."""
    lost, wrong = sum(row.lost for row in rows), sum(row.wrong for row in rows)
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
        *(f"| {row.fault} | {row.phase} | {row.ended} |" for row in rows),
        "",
        "`done`: the fault came after the input had been read and checked, or the run read nothing more; the output is",
        "the right one. A run that died leaves nothing at its output, only a hidden directory beside it, which another",
        "run takes over (`--resume`) or clears away.",
        "",
        "Faults are signals and calls made to fail inside the process. The power was not cut: instead a run was",
        "followed, and before each call that makes, renames, removes or syncs a file it was noted what the disk may",
        "hold: of each file what it had when it was synced last, of each directory its names of then or of now.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="what to try, everything if none is given")
    parser.add_argument("--write", action="store_true", help="write docs/faults.md")
    target = Path(__file__).resolve().parent.parent / "docs" / "faults.md"
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        rows = list(matrix(options.part or list(PARTS)))
        os.chdir("/")
    print(page(rows))
    if options.write:
        target.write_text(page(rows), "utf-8")
    bad = [row for row in rows if row.lost or row.wrong]
    for row in bad:
        print("LOST OR WRONG:", row)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
