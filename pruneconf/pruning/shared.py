"""The exact selection of `select`, by several processes that have stretches of the layers.

No process sees the others' weights. Each counts its own in bins of equal width, the counts are added up, and the next
pass looks into the one bin where the elements, within the caps of their layers, get to the number that is asked for.
That is 8 bytes a bin: half a MiB a pass, however large the model, unless caps or many groups need more histograms. Ties
are shared out in the order of the layers and of the elements in them, whoever has them, so that the cuts are those that
one process would find.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.cuts import Cut
from pruneconf.pruning.floats import Bits, Elements, Format, Weights, common, count_nan, magnitudes, narrowed
from pruneconf.pruning.level import pruned
from pruneconf.pruning.team import Counts, Team
from pruneconf.pruning.workers import Workers

_BITS, _LEAST_BITS = 16, 8
"""The binary logarithm of the number of bins in a histogram, at the most and at the least."""
_COUNTERS = 1 << 20
"""Bins in all histograms together: 8 MiB, unless there are so many that each has the least."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """`size` elements of an array from index `start` on, not read yet."""

    whole: Elements
    start: int
    size: int

    def __getitem__(self, part: slice) -> Any:
        first, last, _ = part.indices(self.size)
        return self.whole[self.start + first : self.start + max(first, last)]


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What this process has of a layer with `size` elements: stretches by the flat index where they begin."""

    layer: str
    format: Format
    size: int
    stretches: Mapping[int, Elements]


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """Layers that are ranked together: `count` of their elements are masked, at most `most[i]` in layer i."""

    layers: Sequence[Share]
    count: int
    most: Sequence[int]


def shares(layers: Sequence[Weights], team: Team) -> list[Share]:
    """A process's share of layers that all can read: as many elements as any other has."""
    mine = team.share(sum(layer.bits.size for layer in layers))
    found, passed = [], 0
    for layer in layers:
        size = layer.bits.size
        start, stop = (min(max(end - passed, 0), size) for end in (mine.start, mine.stop))
        stretches = {start: Stretch(layer.bits, start, stop - start)} if start < stop else {}
        found.append(Share(layer.layer, layer.format, size, stretches))
        passed += size
    return found


def level_together(plan: Plan, every: Mapping[str, Share], workers: Workers, team: Team) -> dict[str, Cut]:
    """As `level`, from a process's shares of the weights, by parameter."""
    names = [[layer.parameter for layer in budget.layers] for budget in plan.budgets]
    groups = [
        Together([every[name] for name in group], budget.count, budget.max_masked)
        for group, budget in zip(names, plan.budgets, strict=True)
    ]
    found = zip(names, select_together(groups, team, workers), strict=True)
    cuts = {name: cut for group, chosen in found for name, cut in zip(group, chosen, strict=True)}
    return {parameter: cuts[parameter] for parameter in pruned(plan)}


class _Piece(NamedTuple):
    """A stretch of the layer with this number."""

    layer: int
    start: int
    bits: Elements


@dataclass(slots=True)
class _Search:
    """Looks for the threshold of layers, given by number: it is one of `1 << bits` patterns from `low` on.

    There is a row of the histogram for each layer, or one for all where no cap keeps them apart. `base` has the number
    of elements below `low` by row.
    """

    layers: list[int]
    count: int
    most: Counts
    wide: Format
    bits: int
    rows: int
    low: int = 0
    base: Counts = field(default_factory=lambda: np.zeros(1, np.int64))

    @classmethod
    def over(cls, layers: Sequence[int], count: int, most: Sequence[int], every: Sequence[Share]) -> _Search:
        wide = common({every[i].format for i in layers})
        caps = np.minimum(np.array(most, np.int64), np.array([every[i].size for i in layers], np.int64))
        apart = len(layers) > 1 and any(cap < every[i].size for i, cap in zip(layers, most, strict=True))
        rows = len(layers) if apart else 1
        return cls(list(layers), count, caps, wide, wide.width - 1, rows, base=np.zeros(rows, np.int64))

    def bins(self, most_bits: int) -> int:
        """The binary logarithm of how many bins the next pass has."""
        return self.bits // -(-self.bits // most_bits)

    def look_into(self, counts: Counts) -> None:
        """Go on in the bin where the elements get to the count."""
        up_to = self.base[:, None] + counts.cumsum(axis=1)
        caps = self.most if self.rows > 1 else self.most.sum(keepdims=True)
        bin_ = int(np.searchsorted(np.minimum(up_to, caps[:, None]).sum(axis=0), self.count))
        self.base = up_to[:, bin_] - counts[:, bin_]
        self.bits -= counts.shape[1].bit_length() - 1
        self.low += bin_ << self.bits


def select_together(groups: Sequence[Together], team: Team, workers: Workers) -> list[list[Cut]]:
    """Choose the elements of several groups; see `select`. All processes get the cuts of all layers.

    Raises PruneconfError, in all processes, where the caps do not leave room or a weight is NaN.
    """
    for group in groups:
        room = sum(min(cap, layer.size) for cap, layer in zip(group.most, group.layers, strict=True))
        if group.count > room:
            raise PruneconfError(f"cannot mask {group.count} elements: the caps of the layers leave room for {room}")
    every = [layer for group in groups for layer in group.layers]
    pieces = [_Piece(i, start, bits) for i, layer in enumerate(every) for start, bits in layer.stretches.items()]
    found = _Selection(every, pieces, team, workers)
    ends = list(accumulate((len(group.layers) for group in groups), initial=0))
    searches = [
        _Search.over(range(*span), group.count, group.most, every)
        for span, group in zip(pairwise(ends), groups, strict=True)
    ]
    while searches:
        found.find(searches)
        searches = found.cut(searches)
    return [[found.cuts[i] for i in range(*span)] for span in pairwise(ends)]


class _Selection:
    """The passes over the pieces; afterwards `cuts` is by layer."""

    def __init__(self, every: Sequence[Share], pieces: Sequence[_Piece], team: Team, workers: Workers) -> None:
        self._every, self._pieces, self._team, self._workers = every, pieces, team, workers
        self.cuts: dict[int, Cut] = {}

    def _chunks(self, piece: _Piece, starts: range, wide: Format | None = None) -> Iterator[tuple[Bits, Bits]]:
        """The patterns of each chunk, and their magnitudes."""
        own = self._every[piece.layer].format
        for start in starts:
            bits = piece.bits[start : min(start + starts.step, starts.stop)]
            yield bits, magnitudes(bits, own, wide)

    def find(self, searches: Sequence[_Search]) -> None:
        """Make each search find its threshold."""
        while active := [search for search in searches if search.bits]:
            room = (_COUNTERS // sum(search.rows for search in active)).bit_length() - 1
            bits = [search.bins(max(_LEAST_BITS, min(_BITS, room))) for search in active]
            histograms = [np.zeros((search.rows, 1 << b), np.int64) for search, b in zip(active, bits, strict=True)]
            nan = self._count(active, histograms)
            total = self._team.sum(np.concatenate([nan, *(histogram.reshape(-1) for histogram in histograms)]))
            ends = list(accumulate((histogram.size for histogram in histograms), initial=nan.size))
            self._reject(total[: nan.size].tolist())
            for search, histogram, counts in zip(active, histograms, np.split(total, ends[:-1])[1:], strict=True):
                search.look_into(counts.reshape(histogram.shape))

    def _reject(self, nans: Sequence[int]) -> None:
        for layer, nan in zip(self._every, nans, strict=True):
            if nan:
                raise PruneconfError(
                    f"`{layer.layer}` has {nan} NaN among its {layer.size} weights, and NaN cannot be ranked; "
                    "repair the weights first"
                )

    def _count(self, active: Sequence[_Search], histograms: Sequence[Counts]) -> Counts:
        """Count the elements of each layer by bin; the numbers of NaN by layer, where everything is looked through."""
        nans = np.zeros(len(self._every), np.int64)
        where = {
            layer: (s, row if search.rows > 1 else 0)
            for s, search in enumerate(active)
            for row, layer in enumerate(search.layers)
        }
        pieces = [piece for piece in self._pieces if piece.layer in where]

        def work(i: int, starts: range) -> tuple[int, int, Counts]:
            search, bins = active[where[pieces[i].layer][0]], histograms[where[pieces[i].layer][0]].shape[1]
            shift = search.bits - (bins.bit_length() - 1)
            own, nan, counts = self._every[pieces[i].layer].format, 0, np.zeros(bins, np.int64)
            for bits, keys in self._chunks(pieces[i], starts, search.wide):
                if search.bits == search.wide.width - 1:
                    inside = keys
                    suspect = own.nan_is_minus_zero or keys.max() > search.wide.infinity
                    nan += count_nan(bits, own) if suspect else 0
                else:
                    offsets = keys - keys.dtype.type(search.low)  # what lies below wraps around to far above
                    inside = offsets[offsets < 1 << search.bits]
                counts += np.bincount((inside >> keys.dtype.type(shift)).astype(np.int64), minlength=bins)
            return i, nan, counts

        for i, nan, counts in self._workers.run(work, [piece.bits.size for piece in pieces]):
            s, row = where[pieces[i].layer]
            histograms[s][row] += counts
            nans[pieces[i].layer] += nan
        return nans

    def cut(self, searches: Sequence[_Search]) -> list[_Search]:
        """Cut the layers at the thresholds; what is left to be searched are layers that are full before theirs."""
        of = {layer: search for search in searches for layer in search.layers}
        pieces = [piece for piece in self._pieces if piece.layer in of]
        below, ties = self._tally(of, pieces)
        totals = np.zeros((2, len(self._every)), np.int64)
        for piece, counts in zip(pieces, np.stack([below, ties], axis=1), strict=True):
            totals[:, piece.layer] += counts
        below_in, ties_in = self._team.sum(totals).tolist()
        full: list[_Search] = []
        partial: dict[int, tuple[int, int]] = {}
        for search in searches:
            left = search.count - sum(min(below_in[i], cap) for i, cap in zip(search.layers, search.most, strict=True))
            for i, cap in zip(search.layers, search.most.tolist(), strict=True):
                if below_in[i] > cap:
                    full.append(_Search.over([i], cap, [cap], self._every))
                    continue
                quota = min(ties_in[i], cap - below_in[i], left)
                left -= quota
                own = self._every[i].format
                threshold = narrowed(search.low, search.wide, own)
                self.cuts[i] = Cut(threshold, self._every[i].size if quota else 0, below_in[i] + quota)
                if 0 < quota < ties_in[i]:
                    partial[i] = threshold, quota
        self._stop_inside(partial, pieces, ties)
        return full

    def _tally(self, of: Mapping[int, _Search], pieces: Sequence[_Piece]) -> tuple[Counts, Counts]:
        """Of each piece, the number of elements below the threshold, and of those at it."""
        found = np.zeros((2, len(pieces)), np.int64)

        def work(i: int, starts: range) -> tuple[int, int, int]:
            search, below, ties = of[pieces[i].layer], 0, 0
            for _, keys in self._chunks(pieces[i], starts, search.wide):
                below += int(np.count_nonzero(keys < search.low))
                ties += int(np.count_nonzero(keys == search.low))
            return i, below, ties

        for i, below, ties in self._workers.run(work, [piece.bits.size for piece in pieces]):
            found[:, i] += below, ties
        return found[0], found[1]

    def _stop_inside(self, partial: Mapping[int, tuple[int, int]], pieces: Sequence[_Piece], ties: Counts) -> None:
        """Find out up to where the ties go in layers that lose only some of theirs."""
        mine = [(*piece[:2], int(n)) for piece, n in zip(pieces, ties, strict=True) if piece.layer in partial]
        by_place = sorted(each for process in self._team.gather(mine) for each in process)
        stops = np.zeros(len(self._every), np.int64)
        own = {(piece.layer, piece.start): piece for piece in pieces}
        for layer, (threshold, quota) in partial.items():
            here = [(start, n) for each, start, n in by_place if each == layer]
            up_to = list(accumulate(n for _, n in here))
            at = bisect_left(up_to, quota)
            start, n = here[at]
            if piece := own.get((layer, start)):
                stops[layer] = start + self._after(piece, threshold, quota - up_to[at] + n)
        for layer, stop in enumerate(self._team.sum(stops).tolist()):
            if layer in partial:
                cut = self.cuts[layer]
                self.cuts[layer] = Cut(cut.threshold, stop, cut.masked)

    def _after(self, piece: _Piece, threshold: int, number: int) -> int:
        """The index in a piece just after the `number`-th element at the threshold."""
        starts = range(0, piece.bits.size, self._workers.chunk)
        for start, (_, keys) in zip(starts, self._chunks(piece, starts), strict=True):
            found = np.flatnonzero(keys == threshold)
            if found.size >= number:
                return start + int(found[number - 1]) + 1
            number -= found.size
        raise AssertionError("the ties have gone")
