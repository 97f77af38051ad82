"""One pass over pieces of layers: what a window of magnitudes holds of each, and how much lies below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pruneconf.pruning.cuts import after_tie
from pruneconf.pruning.device import DeviceArray, Shipped
from pruneconf.pruning.floats import Bits, Bools, Counts, Format, count_nan, magnitudes
from pruneconf.pruning.pieces import Piece
from pruneconf.pruning.workers import Workers

_NARROW = 1 << 12
"""A window of at most so many patterns is counted by pattern. In others, equal patterns are seldom."""

MOST_FOUND = 1 << 24
"""How many patterns are kept in memory at a time. There are 5 million in a billion float32."""


class Window(NamedTuple):
    """Magnitude patterns from `low` up to and including `high`."""

    low: int
    high: int

    @property
    def narrow(self) -> bool:
        """Whether its patterns are counted, not kept."""
        return self.high - self.low < _NARROW


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a stretch of a piece, given by the starts of its chunks, has: the number of NaN, of elements below the
    window, and the patterns inside of it, in the layer's own format and in index order; or, of a narrow window, how
    many there are of each. Nothing where there was no room for them, and it is not `whole`.
    """

    piece: Piece
    where: range
    window: Window
    nan: int
    below: int
    inside: npt.NDArray[Any]
    whole: bool = True

    @property
    def layer(self) -> int:
        """The number of the layer."""
        return self.piece.layer

    @property
    def start(self) -> int:
        """The flat index of the first element."""
        return self.piece.start + self.where.start

    @property
    def size(self) -> int:
        """How many patterns there are to go through."""
        return len(self.inside)

    def keys(self, start: int, stop: int, wide: Format) -> tuple[Bits, Counts | None]:
        """Some of the patterns in a wider format, and how many elements there are of each, None for one."""
        own, inside = self.piece.format, self.inside[start:stop]
        if not self.window.narrow:
            return magnitudes(inside, own, wide), None
        patterns = np.arange(self.window.low + start, self.window.low + stop).astype(own.unsigned)
        return magnitudes(patterns, own, wide), inside

    def after(self, threshold: int, number: int, _chunk: int) -> int:
        """The flat index just after the `number`-th element at a threshold in the layer's own format."""
        return self.piece.start + after_tie(self.piece.bits, self.piece.format, self.where, threshold, number)


def survey(batches: Sequence[Sequence[tuple[Piece, Window]]], workers: Workers) -> Iterator[list[Found]]:
    """What is found in batches of pieces, each with the window to look for, in one pass over all of them.

    Yields a batch when all its pieces have been gone through. Of one batch at most `MOST_FOUND` patterns are kept.
    """
    flat = [(number, *each) for number, batch in enumerate(batches) for each in batch]
    kept = [0] * len(batches)

    def work(i: int, starts: range) -> tuple[int, Found]:
        number, piece, window = flat[i]
        nan, below, parts = _look(piece, window, starts, workers.chunk)
        if window.narrow:
            return number, Found(piece, starts, window, nan, below, np.sum(parts, axis=0))
        kept[number] += sum(part.size for part in parts)
        whole = kept[number] <= MOST_FOUND
        return number, Found(piece, starts, window, nan, below, np.concatenate(parts) if whole else parts[0][:0], whole)

    found: list[Found] = []
    at = 0
    for number, each in workers.run(work, [piece.size for _, piece, _ in flat]):
        for _ in range(at, number):
            yield found
            found = []
        at = number
        found.append(each)
    for _ in range(at, len(batches)):
        yield found
        found = []


def _look(piece: Piece, window: Window, starts: range, chunk: int) -> tuple[int, int, list[npt.NDArray[Any]]]:
    bits, own = piece.bits, piece.format
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
