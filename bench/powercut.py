"""What a disk may hold when the power fails: a run is followed, and its directory is seen as the disk has it.

A file has there what it had when it was synced last, and zeros if it never was. Names that were made, changed or taken
away since their directory was synced last may be there or not: those beside the output and those inside of hidden
directories are kept and lost independently, which is more than journaling file systems do.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

Image = tuple[tuple[str, bytes | None], ...]
"""The files of a directory by path with their contents, None for directories, in order."""

_CALLS = ("fsync", "rename", "replace", "mkdir", "rmdir", "unlink")
"""The functions of `os` before each of which the power may fail."""


class Disk:
    """What is on the disk of the directories and files whose names begin with one of `names` in a directory."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self._folder, self._names = folder, names
        self._files: dict[int, bytes] = {}
        self._folders: dict[int, dict[str, int]] = {}
        self._held: list[int] = []  # open, so that no other file gets the same inode
        self._lock = threading.RLock()
        self.images: dict[Image, None] = {}
        for path in (folder, *(path for name in self._here(folder) for path in (folder / name).rglob("*"))):
            self._sync(path)
        for name in self._here(folder):
            self._sync(folder / name)

    def _here(self, path: Path) -> list[str]:
        found = sorted(each.name for each in path.iterdir())
        return [name for name in found if name.startswith(self._names)] if path == self._folder else found

    def _sync(self, path: Path) -> None:
        self._held.append(os.open(path, os.O_RDONLY))
        inode = path.stat().st_ino
        if path.is_dir():
            self._folders[inode] = {name: (path / name).stat().st_ino for name in self._here(path)}
        else:
            self._files[inode] = path.read_bytes()

    def _look(self) -> None:
        """Add what the disk may hold now to the images."""
        where = {path.stat().st_ino: path for path in (self._folder, *self._folder.rglob("*"))}
        for beside, inside in product((True, False), repeat=2):
            found = self._tree(self._folder.stat().st_ino, "", where, beside, inside)
            self.images[tuple(sorted(found))] = None

    def _tree(
        self, inode: int, prefix: str, where: dict[int, Path], kept: bool, inside: bool
    ) -> Iterator[tuple[str, bytes | None]]:
        path = where.get(inode)
        listing = self._folders.get(inode, {})
        if kept:
            listing = {name: (path / name).stat().st_ino for name in self._here(path)} if path else {}
        for name, child in listing.items():
            there = where.get(child)
            if child in self._folders or (there and there.is_dir()):
                yield prefix + name, None
                yield from self._tree(child, f"{prefix}{name}/", where, inside, inside)
            else:
                zeros = bytes(there.stat().st_size) if there else b""
                yield prefix + name, self._files.get(child, zeros)

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Collect images until the block ends."""
        with ExitStack() as stack:
            for name in _CALLS:
                stack.enter_context(patch.object(os, name, self._before(name, getattr(os, name))))
            yield
        self._look()

    def _before(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self._look()
                result = original(*args, **kwargs)
                if name == "fsync":
                    path = Path(f"/proc/self/fd/{args[0]}").readlink()
                    if stat.S_ISDIR(os.fstat(args[0]).st_mode) or path.exists():
                        self._sync(path)
                return result

        return call


def restore(folder: Path, image: Image) -> None:
    """Make a directory hold what an image has."""
    for name, data in image:
        if data is None:
            (folder / name).mkdir(parents=True, exist_ok=True)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
