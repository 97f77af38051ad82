"""Threads that go through weights in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")

_CHUNKS_PER_JOB = 16


@dataclass(frozen=True, slots=True)
class Workers:
    """How many threads work, and how many elements each takes at a time. No result ever depends on either.
    `went` is called with the number of elements that have been gone through since it was called last.

    A chunk is a multiple of 8 elements (a byte of a packed mask), few enough that it and what is computed from it
    fit into the cache of a core. numpy releases the interpreter lock.
    """

    threads: int = 1
    chunk: int = 1 << 16
    went: Callable[[int], None] = lambda _number: None

    def run(self, work: Callable[[int, range], Result], sizes: Sequence[int]) -> Iterator[Result]:
        """`work(i, starts)` for stretches of every array, results in order.

        `sizes[i]` is the length of array `i`; `starts` are where the chunks of a stretch of it begin.
        """
        step = self.chunk * _CHUNKS_PER_JOB
        jobs = [
            (i, range(start, min(start + step, size), self.chunk))
            for i, size in enumerate(sizes)
            for start in range(0, size, step)
        ]
        if self.threads == 1 or len(jobs) == 1:
            yield from self._counted(jobs, (work(*job) for job in jobs))
            return
        with ThreadPoolExecutor(self.threads) as pool:
            yield from self._counted(jobs, pool.map(lambda job: work(*job), jobs))

    def _counted(self, jobs: Iterable[tuple[int, range]], results: Iterable[Result]) -> Iterator[Result]:
        for (_, starts), result in zip(jobs, results, strict=True):
            self.went(starts.stop - starts.start)
            yield result
