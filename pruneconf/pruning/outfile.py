"""Files that are written from front to back, hashed on the way, and do not crowd the page cache; digests of others."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import Self

_CHUNK = 1 << 20
_BEHIND = 4
"""How many chunks the hash may be behind."""
_FLUSH = 1 << 25
"""After how many bytes the system is told to write them out, and to forget those that are on the disk."""

Chunk = bytes | memoryview


class Digest:
    """A sha256 that is computed in a thread of its own."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1)
        self._pending: deque[Future[None]] = deque()

    def update(self, chunk: Chunk) -> None:
        """Hash a chunk, which must not change any more."""
        self._pending.append(self._thread.submit(self._hash.update, chunk))
        if len(self._pending) > _BEHIND:
            self._pending.popleft().result()

    def hexdigest(self) -> str:
        """The digest of all chunks; ends the thread."""
        self._thread.shutdown()
        return self._hash.hexdigest()


class OutFile:
    """A new file, or the part of one that begins at `start`; leaving its context closes it, and with `sync` waits until
    it is on the disk. `sha256` is that of what was written.
    """

    def __init__(self, path: Path, *, sync: bool = False, start: int | None = None) -> None:
        self._file = FileIO(path, "w" if start is None else "r+")
        self._start = self._end = self._flushed = self._file.seek(start or 0)
        self._digest = Digest()
        self._sync = sync
        self.sha256 = ""

    def write(self, chunk: Chunk) -> None:
        """Append a chunk."""
        self._digest.update(chunk)
        self._end += write_all(self._file, chunk)
        if self._end - self._flushed >= _FLUSH:
            forget(self._file.fileno(), self._start, self._end - self._start)
            self._flushed = self._end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if self._sync and kind is None:
                os.fsync(self._file.fileno())
        finally:
            self._file.close()
            self.sha256 = self._digest.hexdigest()


def write_all(file: FileIO, chunk: Chunk) -> int:
    """Write a chunk to an unbuffered file, however many calls that takes; its size in bytes."""
    left = memoryview(chunk).cast("B")
    size = len(left)
    while left:
        left = left[file.write(left) :]
    return size


def forget(descriptor: int, start: int, size: int) -> None:
    """Tell the system that these bytes of a file (size 0: all from there on) need not stay in memory; those not on the
    disk yet go there.
    """
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, start, size, os.POSIX_FADV_DONTNEED)


def file_digest(path: Path, part: range | None = None) -> str:
    """The sha256 of a file, or of a part of it, in hex."""
    with path.open("rb") as file:
        if part is None:
            digest = hashlib.file_digest(file, "sha256")
        else:
            file.seek(part.start)
            digest, left = hashlib.sha256(), len(part)
            while chunk := file.read(min(_CHUNK, left)):
                digest.update(chunk)
                left -= len(chunk)
    return digest.hexdigest()
