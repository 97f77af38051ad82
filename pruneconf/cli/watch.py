"""`pruneconf lint --watch`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from pruneconf.cli.arguments import note
from pruneconf.settings import FILE

_EVERY = 0.2
"""Seconds between two looks."""
_CLEAR = "\x1b[2J\x1b[H"


def watch(files: Callable[[], Iterable[str]], models: Iterable[str]) -> None:
    """Run this command, without `--watch`, whenever one of its files has changed; Ctrl-C ends it.

    The files are looked up anew each time: a directory may get more of them. A model in Python is watched with the
    sources beside it.
    """
    arguments = [argument for argument in sys.argv[1:] if argument != "--watch"]
    watched = {Path(FILE), *(path for model in models for path in _sources(model))}
    try:
        while True:
            before = _state(files(), watched)
            if sys.stdout.isatty():
                sys.stdout.write(_CLEAR)
                sys.stdout.flush()
            subprocess.run([sys.executable, "-m", "pruneconf", *arguments], check=False)  # noqa: S603 - this command
            note("waiting for changes, Ctrl-C ends")
            while _state(files(), watched) == before:
                time.sleep(_EVERY)
    except KeyboardInterrupt:
        return


def _sources(model: str) -> Iterable[Path]:
    path = Path(model.partition(":")[0])
    return path.parent.glob("*.py") if path.suffix == ".py" else [path]


def _state(files: Iterable[str], watched: Iterable[Path]) -> dict[Path, tuple[int, int] | None]:
    return {path: _stamp(path) for path in (*(Path(file.partition("#/")[0]) for file in files), *watched)}


def _stamp(path: Path) -> tuple[int, int] | None:
    """When a file was last changed, and its size; None while there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
