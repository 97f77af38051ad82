"""Arrays that stay in their files: each slice is read when it is asked for.

They are read, not mapped: where the disk fails or somebody truncates the file meanwhile, a read says so, while a map
kills the process. Nor do pages of the file count as this process's memory.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pruneconf.errors import PruneconfError
from pruneconf.pruning.outfile import forget

_CHUNK = 1 << 20

Stamp = tuple[int, ...]
"""Size, times of change and inode: what differs when a file is not the same any more."""


class InputFile:
    """A file that is open for reading at any place, by any number of threads. Raises PruneconfError if it cannot be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            remedy = "allow more of them (`ulimit -n`)" if error.errno == errno.EMFILE else "check the path"
            raise PruneconfError(f"cannot read `{path}`: {reason}; {remedy}") from error
        self._lock = threading.Lock()
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, buffer: memoryview) -> None:
        """Fill a buffer. Raises PruneconfError where the file cannot be read or ends too early."""
        while buffer:
            try:
                count = self._read_some(offset, buffer)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise PruneconfError(f"cannot read `{self.path}`: {reason}; check its disk, then run again") from error
            if not count:
                raise PruneconfError(f"`{self.path}` became shorter while it was read; run again when it is complete")
            offset, buffer = offset + count, buffer[count:]

    def head(self, size: int) -> bytes:
        """The first bytes."""
        found = bytearray(size)
        self.read(0, memoryview(found))
        return bytes(found)

    def chunks(self, size: int) -> Iterator[memoryview]:
        """All of the file, from front to back, so many bytes at a time."""
        for start in range(0, self.size, size):
            chunk = memoryview(bytearray(min(size, self.size - start)))
            self.read(start, chunk)
            yield chunk

    def expect(self, offset: int, size: int) -> None:
        """Tell the system that these bytes will be read, in any order."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), offset, size, os.POSIX_FADV_WILLNEED)

    def forget(self, offset: int, size: int) -> None:
        """Tell the system that these bytes need not stay in memory."""
        if size:  # 0 stands for all that follows
            forget(self._file.fileno(), offset, size)

    def _read_some(self, offset: int, buffer: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [buffer], offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.readinto(buffer)


def input_digest(path: Path, *, forgets: bool = False) -> str:
    """The sha256 of an input file, in hex; if wanted, it need not stay in memory then. Raises PruneconfError where it
    cannot be read.
    """
    file, digest = InputFile(path), hashlib.sha256()
    for chunk in file.chunks(_CHUNK):
        digest.update(chunk)
    if forgets:
        file.forget(0, file.size)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class FileArray:
    """`size` elements of a file from byte `offset` on. A slice of it is an array in memory."""

    file: InputFile
    offset: int
    size: int
    dtype: np.dtype[Any]

    def __getitem__(self, part: slice) -> npt.NDArray[Any]:
        start, stop, _ = part.indices(self.size)
        found = np.empty(max(stop - start, 0), self.dtype)
        self.file.read(self.offset + start * self.dtype.itemsize, memoryview(found.view(np.uint8).data))
        return found

    def view(self, dtype: np.dtype[Any]) -> FileArray:
        """The same bytes as elements of another type."""
        size = self.size * self.dtype.itemsize // dtype.itemsize
        return FileArray(self.file, self.offset, size, dtype)

    def forget(self) -> None:
        """Tell the system that the elements need not stay in memory."""
        self.file.forget(self.offset, self.size * self.dtype.itemsize)


def stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """The stamps of files by path. Raises PruneconfError where one is not there."""
    found: dict[Path, Stamp] = {}
    for path in paths:
        try:
            now = path.stat()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise PruneconfError(f"cannot read `{path}`: {reason}; put it back, then run again") from error
        found[path] = (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino)
    return found


def check_unchanged(before: dict[Path, Stamp]) -> None:
    """Raise PruneconfError naming the first file that is not what it was."""
    now = stamps(before)
    for path, stamp in before.items():
        if now[path] != stamp:
            raise PruneconfError(f"`{path}` changed while it was read; run again when nothing writes to it")
