"""Thresholds by counting: no element is moved or sorted, and no process needs to see another's.

Elements are counted in bins of equal width, the counts of all processes are added up, and the next pass looks into the
one bin where the elements, within the caps of their layers, get to the number that is asked for. That is 8 bytes a bin:
half a MiB a pass at the most, however large the model, unless caps or many groups need more histograms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np

from pruneconf.pruning.floats import Bits, Bools, Counts, Format
from pruneconf.pruning.team import Team
from pruneconf.pruning.workers import Workers

_BITS, _LEAST_BITS = 16, 8
"""The binary logarithm of the number of bins in a histogram, at the most and at the least."""
_COUNTERS = 1 << 20
"""Bins in all histograms together: 8 MiB, unless there are so many that each has the least."""


class Source(Protocol):
    """Elements of one layer that are counted, after `below` lower ones."""

    @property
    def layer(self) -> int:
        """The number of the layer."""
        ...

    @property
    def start(self) -> int:
        """The flat index of the first element in the layer."""
        ...

    @property
    def below(self) -> int:
        """How many elements are below all that are counted."""
        ...

    @property
    def size(self) -> int:
        """How many magnitudes there are to go through."""
        ...

    def keys(self, start: int, stop: int, wide: Format) -> tuple[Bits, Counts | None]:
        """Some of the magnitudes in a wider format, and how many elements there are of each, None for one."""
        ...

    def after(self, threshold: int, number: int, chunk: int) -> int:
        """The flat index just after the `number`-th element at a threshold in the layer's own format."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """Layers, given by number, that are ranked together: `count` of their elements are masked, at most `most[k]` in the
    k-th of them.
    """

    layers: Sequence[int]
    count: int
    most: Sequence[int]


@dataclass(slots=True, eq=False)
class Search:
    """Looks for the least magnitude up to which the layers of a task have, within their caps, as many elements as are
    to be masked. It is one of `1 << bits` patterns of the format `wide` from `low` on.

    There is a row of the histogram for each layer, or one for all where no cap keeps them apart. `base` has the number
    of elements below `low` by row, and `most` the caps; `finest` is the binary logarithm of the most bins to use.
    """

    task: Task
    most: Counts
    wide: Format
    low: int
    bits: int
    base: Counts
    finest: int

    @classmethod
    def over(
        cls,
        task: Task,
        sizes: Sequence[int],
        wide: Format,
        window: tuple[int, int] | None = None,
        below: Sequence[int] = (),
    ) -> Search:
        """A search in layers of these sizes, or in a window of them, below which each has so many elements."""
        most = np.minimum(np.array(task.most, np.int64), np.array(sizes, np.int64))
        base = np.array(below or [0] * len(sizes), np.int64)
        if len(sizes) == 1 or most.tolist() == list(sizes):
            most, base = most.sum(keepdims=True), base.sum(keepdims=True)
        low, high = window or (0, wide.magnitude)
        finest = max(_LEAST_BITS, min(_BITS, sum(sizes).bit_length() - 4))  # more bins cost more than elements do
        return cls(task, most, wide, low, (high - low).bit_length(), base, finest)

    @property
    def rows(self) -> int:
        """How many histograms it takes."""
        return len(self.base)

    def bins(self, room: int) -> int:
        """The binary logarithm of how many bins the next pass has, where there is room for so many."""
        most = max(_LEAST_BITS, min(self.finest, room))
        return self.bits // -(-self.bits // most)

    def look_into(self, counts: Counts) -> None:
        """Go on in the bin where the elements get to the count, in the last one if they do not."""
        up_to = self.base[:, None] + counts.cumsum(axis=1)
        reached = np.minimum(up_to, self.most[:, None]).sum(axis=0)
        bin_ = min(int(np.searchsorted(reached, self.task.count)), counts.shape[1] - 1)
        self.base = up_to[:, bin_] - counts[:, bin_]
        self.bits -= counts.shape[1].bit_length() - 1
        self.low += bin_ << self.bits

    def succeeded(self, counts: Sequence[Sequence[int]]) -> bool:
        """Whether what was found is the threshold, given how many elements of each layer are below it and at it."""
        caps = self.task.most
        taken = sum(min(below, cap) for (below, _), cap in zip(counts, caps, strict=True))
        up_to = sum(min(below + ties, cap) for (below, ties), cap in zip(counts, caps, strict=True))
        return not self.task.count or taken < self.task.count <= up_to


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Where searches look: the sources that this process has. All processes of a team make the same searches."""

    sources: Sequence[Source]
    team: Team
    workers: Workers

    def find(self, searches: Sequence[Search]) -> None:
        """Make each search find its threshold: `low` is it, and `bits` is 0."""
        while active := [search for search in searches if search.bits]:
            room = (_COUNTERS // sum(search.rows for search in active)).bit_length() - 1
            histograms = [np.zeros((search.rows, 1 << search.bins(room)), np.int64) for search in active]
            self._count(active, histograms)
            total = self.team.sum(np.concatenate([histogram.reshape(-1) for histogram in histograms]))
            ends = list(accumulate(histogram.size for histogram in histograms))
            for search, histogram, counts in zip(active, histograms, np.split(total, ends[:-1]), strict=True):
                search.look_into(counts.reshape(histogram.shape))

    def _count(self, active: Sequence[Search], histograms: Sequence[Counts]) -> None:
        """Count the elements of each layer by bin."""
        asked: dict[int, list[tuple[Search, Counts]]] = {}
        for search, histogram in zip(active, histograms, strict=True):
            for place, layer in enumerate(search.task.layers):
                asked.setdefault(layer, []).append((search, histogram[place if search.rows > 1 else 0]))
        sources = [source for source in self.sources if source.layer in asked]

        def work(i: int, starts: range) -> tuple[int, list[Counts]]:
            wanted = asked[sources[i].layer]
            found = [np.zeros_like(row) for _, row in wanted]
            for start in starts:
                keys, numbers = sources[i].keys(start, min(start + starts.step, starts.stop), wanted[0][0].wide)
                for (search, _), counts in zip(wanted, found, strict=True):
                    np.add(counts, _histogram(keys, numbers, search, counts.size), out=counts)
            return i, found

        for i, found in self.workers.run(work, [source.size for source in sources]):
            for (_, row), more in zip(asked[sources[i].layer], found, strict=True):
                np.add(row, more, out=row)

    def tally(self, searches: Sequence[Search]) -> Counts:
        """Of each source the number of elements below the threshold of its layer, and of those at it: shape (n, 2).
        All layers are those of a search.
        """
        of = {layer: search for search in searches for layer in search.task.layers}
        found = np.array([(source.below, 0) for source in self.sources], np.int64).reshape(-1, 2)

        def work(i: int, starts: range) -> tuple[int, int, int]:
            source, search = self.sources[i], of[self.sources[i].layer]
            below = ties = 0
            for start in starts:
                keys, counts = source.keys(start, min(start + starts.step, starts.stop), search.wide)
                below += _number(keys < search.low, counts)
                ties += _number(keys == search.low, counts)
            return i, below, ties

        for i, below, ties in self.workers.run(work, [source.size for source in self.sources]):
            found[i] += below, ties
        return found


def _histogram(keys: Bits, numbers: Counts | None, search: Search, bins: int) -> Counts:
    kind = keys.dtype.type
    offsets = keys - kind(search.low)  # what lies below wraps around to far above
    if search.low or search.bits < search.wide.width - 1:
        inside = offsets < kind(1 << search.bits)
        offsets, numbers = offsets[inside], None if numbers is None else numbers[inside]
    places = (offsets >> kind(search.bits - (bins.bit_length() - 1))).astype(np.int64)
    return np.bincount(places, numbers, minlength=bins).astype(np.int64, copy=False)


def _number(marked: Bools, counts: Counts | None) -> int:
    return int(np.count_nonzero(marked) if counts is None else counts[marked].sum())
