"""The digest of a file whose parts several threads and processes write, each when it gets to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Self

from pruneconf.pruning.outfile import Digest
from pruneconf.pruning.team import Team

_CHUNK = 1 << 20
_TICK = 0.5
"""Seconds after which the first process looks again for what others have written."""


class InOrder:
    """The sha256 of a file, which the first process of a team takes from front to back, in a thread of its own, while
    the `parts` (byte ranges in the order of the file) are written: each as soon as it and those before it are there.

    To leave its context is to give up what is not hashed yet. What goes wrong meanwhile is told `failed` at once.
    """

    def __init__(
        self, path: Path, parts: Mapping[str, range], team: Team, failed: Callable[[BaseException], None]
    ) -> None:
        self._path, self._parts, self._team, self._failed = path, parts, team, failed
        self._digest, self._hashed = Digest(), 0
        self._here: set[str] = set()
        self._news = Event()
        self._complete = self._over = False
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        if self._team.leads:
            self._result = self._pool.submit(self._follow)
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._news.set()
        self._pool.shutdown()

    def add(self, part: str) -> None:
        """Enter that a part is written, and its file closed, by this process. Waits for nobody."""
        if self._team.leads:
            self._here.add(part)
            self._news.set()
        elif self._parts:
            self._team.enter(part)

    def finish(self) -> str:
        """The digest, for the first process, when it is known that all have written their parts."""
        self._complete = True
        self._news.set()
        return self._result.result()

    def _follow(self) -> str:
        try:
            for name, part in self._parts.items():
                while part and not (self._over or self._there(name)):
                    self._news.wait(_TICK)
                    self._news.clear()
                self._hash_to(part.stop)
        except BaseException as error:
            self._failed(error)
            raise
        finally:
            found = self._digest.hexdigest()
        return found

    def _there(self, part: str) -> bool:
        return self._complete or part in self._here or self._team.entered(part)

    def _hash_to(self, end: int) -> None:
        """Hash what follows up to here; the file is opened anew, so that what other hosts wrote is seen."""
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._hashed)
            while not self._over and (chunk := file.read(min(_CHUNK, end - self._hashed))):
                self._digest.update(chunk)
                self._hashed += len(chunk)
