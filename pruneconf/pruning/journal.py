"""What a run has finished, kept in its hidden directory, so that after a kill another run can go on from there.

A shard is entered when it is on the disk. What the run was for is kept too: nothing else may go on with its files.
Of several processes each keeps a journal of its own shards.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
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
        """One that was kept as JSON. Raises TypeError or KeyError where it is none."""
        outcomes = {name: Outcome(**outcome) for name, outcome in data["outcomes"].items()}
        return cls(**{**data, "outcomes": outcomes})


@dataclass(slots=True)
class Journal:
    """What a run is for, as a digest for each thing that matters, and its finished shards by file."""

    purpose: Mapping[str, str]
    shards: dict[str, Done] = field(default_factory=dict)

    def save(self, folder: Path, rank: int) -> None:
        """Put the journal of a process on the disk, whole or not at all."""
        text = json.dumps(asdict(self))
        new = folder / f"{_NAME}-{rank}.new"
        with new.open("w", encoding="utf-8") as file:
            file.write(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / f"{_NAME}-{rank}.json")


def read_journal(folder: Path) -> Journal | None:
    """What the journals of an interrupted run say; None where it had not got that far, or what it left is damaged."""
    found = [each for path in sorted(folder.glob(f"{_NAME}-*.json")) if (each := _read(path))]
    if not found or any(each.purpose != found[0].purpose for each in found):
        return None
    return Journal(found[0].purpose, {file: done for each in found for file, done in each.shards.items()})


def _read(path: Path) -> Journal | None:
    try:
        digest, text = path.read_text("utf-8").split("\n")
        data = json.loads(text) if hashlib.sha256(text.encode()).hexdigest() == digest else {}
        return Journal(data["purpose"], {file: Done.read(done) for file, done in data["shards"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def check_purpose(found: Journal, purpose: Mapping[str, str]) -> None:
    """Raise PruneconfError naming the first thing that is not as it was in the interrupted run."""
    for what in {**purpose, **found.purpose}:
        if found.purpose.get(what) != purpose.get(what):
            raise PruneconfError(f"cannot resume: {what} changed since the interrupted run; run without `--resume`")


def close_journals(folder: Path, ranks: int = 0) -> None:
    """Remove the journals, but not those of the first `ranks` processes: without any, the output is complete."""
    kept = {f"{_NAME}-{rank}.json" for rank in range(ranks)}
    for path in folder.glob(f"{_NAME}-*"):
        if path.name not in kept:
            path.unlink()
