"""The folder `.pruneconf_cache/` of the current directory: what was found out once, and need not be again."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ".pruneconf_cache"
MOST_BYTES = 64 << 20
"""What all entries may take together; the oldest go first."""


def keep(name: str, text: str) -> None:
    """Write an entry, where that can be done: a folder that cannot be written to is no failure."""
    from pathlib import Path

    with suppress(OSError):
        folder = Path(FOLDER)
        folder.mkdir(exist_ok=True)
        _write(folder / ".gitignore", "*\n")
        _write(folder / name, text)
        _discard_oldest(folder)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", errors="surrogateescape")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _discard_oldest(folder: Path) -> None:
    entries = [(path.stat(), path) for path in folder.glob("[!.]*")]
    total = 0
    for status, path in sorted(entries, key=lambda entry: -entry[0].st_mtime_ns):
        total += status.st_size
        if total > MOST_BYTES:
            path.unlink(missing_ok=True)
