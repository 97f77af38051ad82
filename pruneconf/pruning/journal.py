"""What a run has finished, kept in its hidden directory, so that after a kill another run can go on from there.

A shard is entered when it is on the disk. What the run was for is kept too: nothing else may go on with its files.
Of several processes each keeps a journal of its own shards. Each of its lines has a digest: one that was not written to
its end, or was damaged, counts for nothing, and the others stand.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from pruneconf.errors import PruneconfError
from pruneconf.pruning.masking import Outcome

_NAME = "unfinished"


@dataclass(frozen=True, slots=True)
class Done:
    """A finished shard: its sha256, those of its masks and of the input shard (None if there are none), and what was
    masked in it by parameter.
    """

    sha256: str
    masks: str | None
    input: str | None
    outcomes: Mapping[str, Outcome]

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """One that was kept as JSON."""
        outcomes = {name: Outcome(**outcome) for name, outcome in data["outcomes"].items()}
        return cls(**{**data, "outcomes": outcomes})


@dataclass(slots=True)
class Journal:
    """What a run is for, as a digest for each thing that matters, and its finished shards by file."""

    purpose: Mapping[str, str]
    shards: dict[str, Done] = field(default_factory=dict)

    def begin(self, folder: Path, rank: int) -> None:
        """Put the journal of a process on the disk, whole or not at all."""
        new = folder / f"{_NAME}-{rank}.new"
        lines = [self.purpose, *([file, asdict(done)] for file, done in self.shards.items())]
        _write(new, "w", lines)
        new.replace(_path(folder, rank))


def enter(folder: Path, rank: int, file: str, done: Done) -> None:
    """Add a shard to the journal of a process, on the disk."""
    _write(_path(folder, rank), "a", [[file, asdict(done)]])


def _path(folder: Path, rank: int) -> Path:
    return folder / f"{_NAME}-{rank}.jsonl"


def _write(path: Path, mode: str, lines: Sequence[Any]) -> None:
    with path.open(mode, encoding="utf-8") as file:
        for text in map(json.dumps, lines):
            file.write(f"{_digest(text)} {text}\n")
        file.flush()
        os.fsync(file.fileno())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_journal(folder: Path) -> Journal | None:
    """What the journals of an interrupted run say; None where it had not got that far, or what it left is damaged."""
    found = [each for path in sorted(folder.glob(f"{_NAME}-*.jsonl")) if (each := _read(path))]
    if not found or any(each.purpose != found[0].purpose for each in found):
        return None
    return Journal(found[0].purpose, {file: done for each in found for file, done in each.shards.items()})


def _read(path: Path) -> Journal | None:
    try:
        purpose, *shards = map(_line, path.read_bytes().splitlines())
    except (OSError, ValueError):
        return None
    return Journal(purpose, {file: Done.read(done) for file, done in filter(None, shards)}) if purpose else None


def _line(line: bytes) -> Any:
    """What a line says, None where it is not as it was written."""
    digest, _, text = line.decode(errors="replace").partition(" ")
    return json.loads(text) if _digest(text) == digest else None


def check_purpose(found: Journal, purpose: Mapping[str, str]) -> None:
    """Raise PruneconfError naming the first thing that is not as it was in the interrupted run."""
    for what in {**purpose, **found.purpose}:
        if found.purpose.get(what) != purpose.get(what):
            raise PruneconfError(f"cannot resume: {what} changed since the interrupted run; run without `--resume`")


def close_journals(folder: Path, ranks: int = 0) -> None:
    """Remove the journals, but not those of the first `ranks` processes: without any, the output is complete."""
    kept = {_path(folder, rank).name for rank in range(ranks)}
    for path in folder.glob(f"{_NAME}-*"):
        if path.name not in kept:
            path.unlink()
