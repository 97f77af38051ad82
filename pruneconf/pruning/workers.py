"""Threads that go through weights in pieces."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")

_CHUNKS_PER_JOB = 32
_JOBS_PER_THREAD = 4
"""How many are waiting or worked on at a time, and the least into which the work is divided if it is enough."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How many threads work, and how many elements each takes at a time. No result ever depends on either.
    `went` is called with the number of elements that have been gone through since it was called last.

    A chunk is a multiple of 8 elements (a byte of a packed mask), few enough that it and what is computed from it fit
    into the caches that cores share, and enough to keep threads from waiting for each other: numpy releases the
    interpreter lock while it computes, and takes it after each step. With a quarter of it, two threads are hardly
    faster than one.
    """

    threads: int = 1
    chunk: int = 1 << 18
    went: Callable[[int], None] = lambda _number: None

    def run(self, work: Callable[[int, range], Result], sizes: Sequence[int]) -> Iterator[Result]:
        """`work(i, starts)` for stretches of every array, results in order.

        `sizes[i]` is the length of array `i`; `starts` are where the chunks of a stretch of it begin.
        """
        for starts, result in self._begun(work, sizes):
            done = result()
            self.went(starts.stop - starts.start)
            yield done

    def _begun(
        self, work: Callable[[int, range], Result], sizes: Sequence[int]
    ) -> Iterator[tuple[range, Callable[[], Result]]]:
        """The stretches in order, each with what gives its result: threads are a few stretches ahead."""
        if self.threads == 1 or sum(sizes) <= self.chunk:
            for i, starts in self._jobs(sizes):
                yield starts, partial(work, i, starts)
            return
        ahead: deque[tuple[range, Callable[[], Result]]] = deque()
        with ThreadPoolExecutor(self.threads) as pool:
            for i, starts in self._jobs(sizes):
                ahead.append((starts, pool.submit(work, i, starts).result))
                if len(ahead) == self.threads * _JOBS_PER_THREAD:
                    yield ahead.popleft()
            yield from ahead

    def _jobs(self, sizes: Sequence[int]) -> Iterator[tuple[int, range]]:
        share = sum(sizes) // (self.threads * _JOBS_PER_THREAD * self.chunk)
        step = self.chunk * min(_CHUNKS_PER_JOB, max(1, share))
        for i, size in enumerate(sizes):
            for start in range(0, size, step):
                yield i, range(start, min(start + step, size), self.chunk)
