"""One pass over layers: what a window of magnitudes holds of each, and how much lies below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pruneconf.pruning.device import DeviceArray, Shipped
from pruneconf.pruning.floats import Bits, Bools, Format, Weights, count_nan, magnitudes
from pruneconf.pruning.workers import Workers

Counts = npt.NDArray[np.int64]

_NARROW = 1 << 12
"""A window of at most so many patterns is counted by pattern. In others, equal patterns are seldom."""

MOST_FOUND = 1 << 24
"""How many patterns of one group are kept in memory at the most. There are 4 million in a billion float32."""


class Window(NamedTuple):
    """Magnitude patterns from `low` up to and including `high`."""

    low: int
    high: int

    @property
    def narrow(self) -> bool:
        """Whether its patterns are counted, not kept."""
        return self.high - self.low < _NARROW


class Stretch(NamedTuple):
    """What a stretch of a layer has in the window: its patterns in index order, or, of a narrow one, their counts."""

    where: range
    found: npt.NDArray[Any]


@dataclass(slots=True)
class Tally:
    """What one pass found of a layer: the number of NaN, of elements below the window, and what lies inside of it."""

    layer: Weights
    window: Window
    nan: int = 0
    below: int = 0
    stretches: list[Stretch] = field(default_factory=list)

    def inside(self, wide: Format) -> tuple[Bits, Counts | None]:
        """The patterns in the window, in the format that a group's layers are compared in, and how many there are of
        each, None for one.
        """
        own = self.layer.format
        found = [stretch.found for stretch in self.stretches]
        if not self.window.narrow:
            return magnitudes(np.concatenate([np.zeros(0, own.unsigned), *found]), own, wide), None
        patterns = np.arange(self.window.low, self.window.high + 1).astype(own.unsigned)
        return magnitudes(patterns, own, wide), np.sum([np.zeros(len(patterns), np.int64), *found], axis=0)

    def ties(self, pattern: int) -> Iterator[tuple[range, int]]:
        """How many elements of each stretch have this pattern in the layer's own format."""
        for where, found in self.stretches:
            here = found[pattern - self.window.low] if self.window.narrow else np.count_nonzero(found == pattern)
            yield where, int(here)


def survey(groups: Sequence[Sequence[Tally]], workers: Workers) -> Iterator[tuple[int, bool]]:
    """Fill the tallies of groups of layers in one pass over all of them.

    Yields the index of a group when all its layers have been gone through, in order, and whether its window held so
    few patterns that they are all there.
    """
    flat = [(number, tally) for number, group in enumerate(groups) for tally in group]
    kept = [0] * len(groups)

    def work(i: int, starts: range) -> tuple[int, int, int, Stretch | None]:
        number, tally = flat[i]
        nan, below, parts = _look(tally, starts, workers.chunk)
        if tally.window.narrow:
            return i, nan, below, Stretch(starts, np.sum(parts, axis=0))
        kept[number] += sum(part.size for part in parts)
        crowded = kept[number] > MOST_FOUND
        return i, nan, below, None if crowded else Stretch(starts, np.concatenate(parts))

    complete, at = [True] * len(groups), 0
    for i, nan, below, stretch in workers.run(work, [tally.layer.bits.size for _, tally in flat]):
        number, tally = flat[i]
        while at < number:
            yield at, complete[at]
            at += 1
        tally.nan += nan
        tally.below += below
        if stretch is None:
            complete[number] = False
            for other in groups[number]:
                other.stretches.clear()
        elif complete[number]:
            tally.stretches.append(stretch)
    for number in range(at, len(groups)):
        yield number, complete[number]


def _look(tally: Tally, starts: range, chunk: int) -> tuple[int, int, list[npt.NDArray[Any]]]:
    bits, own, window = tally.layer.bits, tally.layer.format, tally.window
    nan, below, parts = 0, 0, []
    looks: Iterator[tuple[int, int, Bits]]
    if isinstance(bits, DeviceArray | Shipped):
        looks = iter([bits.look(starts.start, starts.stop, own, window.low, window.high)])
    else:
        size = min(chunk, starts.stop - starts.start)
        scratch = np.empty(size, own.unsigned), np.empty(size, np.bool_), np.empty(size, np.bool_)
        looks = (_look_at(bits[start : min(start + chunk, starts.stop)], own, window, scratch) for start in starts)
    for bad, lower, inside in looks:
        nan += bad
        below += lower
        parts.append(_counted(inside, window) if window.narrow else inside)
    return nan, below, parts


def _look_at(bits: Bits, own: Format, window: Window, scratch: tuple[Bits, Bools, Bools]) -> tuple[int, int, Bits]:
    """How many patterns are NaN, how many magnitudes lie below the window, and those inside of it, in index order."""
    kind = own.unsigned.type
    doubled, lower, inside = (array[: bits.size] for array in scratch)
    np.add(bits, bits, out=doubled)  # the sign falls off, the order stays
    suspect = own.nan_is_minus_zero or doubled.max() > 2 * own.infinity
    nan = count_nan(bits, own) if suspect else 0
    np.less(doubled, kind(2 * window.low), out=lower)
    np.less_equal(doubled, kind(2 * window.high), out=inside)
    np.not_equal(lower, inside, out=inside)
    return nan, int(np.count_nonzero(lower)), doubled[inside] >> kind(1)


def _counted(inside: Bits, window: Window) -> Counts:
    return np.bincount((inside - inside.dtype.type(window.low)).astype(np.intp), minlength=window.high - window.low + 1)
