"""What a run has finished, kept in its hidden directory, so that after a kill another run can go on from there.

A shard is entered when it is on the disk. What the run was for is kept too: nothing else may go on with its files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pruneconf.errors import PruneconfError

_FILE = "unfinished.json"


@dataclass(frozen=True, slots=True)
class Done:
    """A finished shard: its sha256, that of the input shard (None if there is none), and per parameter how many
    elements were masked and the highest pattern among them.
    """

    sha256: str
    input: str | None
    outcomes: Mapping[str, tuple[int, int]]


@dataclass(slots=True)
class Journal:
    """What a run is for, as a digest for each thing that matters, and its finished shards by file."""

    purpose: Mapping[str, str]
    shards: dict[str, Done] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Put the journal on the disk, whole or not at all."""
        new = folder / (_FILE + ".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / _FILE)


def read_journal(folder: Path) -> Journal | None:
    """The journal of an interrupted run; None where it had not got that far, or what it left is damaged."""
    try:
        data = json.loads((folder / _FILE).read_bytes())
        return Journal(data["purpose"], {file: Done(**done) for file, done in data["shards"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def check_purpose(found: Journal, purpose: Mapping[str, str]) -> None:
    """Raise PruneconfError naming the first thing that is not as it was in the interrupted run."""
    for what in {**purpose, **found.purpose}:
        if found.purpose.get(what) != purpose.get(what):
            raise PruneconfError(f"cannot resume: {what} changed since the interrupted run; run without `--resume`")


def close_journal(folder: Path) -> None:
    """Remove the journal: the output is complete."""
    for name in (_FILE, _FILE + ".new"):
        (folder / name).unlink(missing_ok=True)
