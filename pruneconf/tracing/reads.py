"""Which files a graph was made from, and whether they are still the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from pruneconf.graph.stale import file_digest

_LARGE = 1 << 20
_TOO_MANY = 2000
_INSTALLED = ("site-packages", "dist-packages")

Stamp = list[int] | None
"""Size in bytes and time of the last change in nanoseconds; None for a file that is not there."""


class Reads(NamedTuple):
    """Absolute paths: the sha256 (hex) of what was read of the user's, the stamps of all other files."""

    contents: Mapping[str, str]
    stamps: Mapping[str, Stamp]


def same(reads: Reads) -> bool:
    """Whether all files are what they were."""
    try:
        return all(_stamp(path) == stamp for path, stamp in reads.stamps.items()) and all(
            file_digest(Path(path)) == digest for path, digest in reads.contents.items()
        )
    except OSError:
        return False


def watch_reads() -> set[str]:
    """The files that this process opens for reading from now on; the set grows."""
    opened: set[str] = set()
    writing = os.O_WRONLY | os.O_RDWR

    def hook(event: str, details: tuple[object, ...]) -> None:
        if event != "open":
            return
        path, _, flags = details
        if isinstance(path, str | bytes) and not (isinstance(flags, int) and flags & writing):
            opened.add(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 (on every open: it must be quick)

    sys.addaudithook(hook)
    return opened


def reads_of(opened: Iterable[str], sources: Iterable[Path], since: int) -> Reads | None:
    """What a graph was made from: `sources`, all modules that are loaded, and what was `opened`, be it there or not.

    An installed package is told by its first file, everything else file by file. None where files changed after
    `since` (nanoseconds), so that nobody knows which version was read, or where there are too many to look at.
    """
    installed, loaded = _modules()
    own = {*map(str, sources), *loaded, *(path for path in opened if not _is_installed(path))}
    stamps = {path: _stamp(path) for path in sorted(installed | own) if _counts(path)}
    if len(stamps) > _TOO_MANY or any(stamp is not None and stamp[1] > since for stamp in stamps.values()):
        return None
    small = [path for path, stamp in stamps.items() if path in own and stamp is not None and stamp[0] <= _LARGE]
    contents = {path: file_digest(Path(path)) for path in small}
    return Reads(contents, {path: stamp for path, stamp in stamps.items() if path not in contents})


def _modules() -> tuple[set[str], set[str]]:
    """The first files of the installed packages that are loaded, and the files of all other modules."""
    installed, loaded = set(), set()
    for name, module in list(sys.modules.items()):
        for file in _file(module):
            if not _is_installed(file):
                loaded.add(file)
                continue
            first = sys.modules.get(name.partition(".")[0], module)
            installed.update(_file(first) or [file])
    return installed, loaded


def _file(module: ModuleType) -> list[str]:
    file = getattr(module, "__dict__", {}).get("__file__")  # not by attribute: a lazy module would load itself
    return [os.path.abspath(file)] if isinstance(file, str) else []  # noqa: PTH100


def _is_installed(path: str) -> bool:
    return any(f"{os.sep}{folder}{os.sep}" in path for folder in _INSTALLED)


def _counts(path: str) -> bool:
    """Whether it can change what a model is: no part of python, no by-product of importing, nothing but a file."""
    real = Path(os.path.realpath(path))
    if "__pycache__" in real.parts or (real.exists() and not (real.is_file() and os.access(real, os.R_OK))):
        return False
    return _is_installed(path) or not any(map(real.is_relative_to, _of_nobody()))


@cache
def _of_nobody() -> tuple[str, ...]:
    """Where the files of the system and of python itself lie."""
    import sysconfig

    of_python = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    return tuple(os.path.realpath(path) for path in ("/proc", "/sys", "/dev", *of_python))


def _stamp(path: str) -> Stamp:
    try:
        status = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return None
    return [status.st_size, status.st_mtime_ns]
