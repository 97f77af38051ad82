"""Exact selection of the weights with the lowest magnitudes, under caps per layer.

The order is strict: by magnitude, then layer, then flat index. A scan in that order that takes an element unless its
layer has lost all it may, and stops after `count`, masks the least Σ|w| that the caps allow (they form a laminar
matroid, on which the greedy algorithm is optimal). The scan need not be made. Let F_l(t) be the number of elements of
layer l with |w| <= t and c_l the most it may lose: the scan has taken Σ min(F_l(t), c_l) elements when it has passed
t. The least t at which that sum reaches `count` is the threshold.

A sample says in which window it lies with near certainty. One pass over the weights counts what is below the window
and keeps what is inside, about a hundredth, and the threshold is found among that (Floyd and Rivest, "Expected time
bounds for selection", 1975). Where it turns out to lie elsewhere, or the window is crowded, histograms find it. So
what comes out depends neither on the sample nor on threads, chunks or the device.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cbrt, ceil, floor, sqrt
from typing import NamedTuple

import numpy as np

from pruneconf.errors import PruneconfError
from pruneconf.pruning.cuts import Cut, after_tie, reject
from pruneconf.pruning.device import DeviceArray, Shipped
from pruneconf.pruning.floats import Bits, Elements, Format, Weights, common, magnitudes, narrowed
from pruneconf.pruning.radix import select_by_histograms
from pruneconf.pruning.survey import Counts, Tally, Window, survey
from pruneconf.pruning.workers import Workers

_WORTH_SAMPLING = 1 << 17
"""Of fewer elements, all are kept."""
_BLOCK, _READ_BLOCK = 16, 1 << 10
"""Neighbours that are sampled together, since they cost one access to memory, or one read of a file."""
_MOST_SAMPLED = 1 << 22
_DEVIATIONS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Layers that are ranked together: `count` of their elements are masked, at most `most[i]` in layer i."""

    layers: Sequence[Weights]
    count: int
    most: Sequence[int]

    @property
    def format(self) -> Format:
        """The format in which all their magnitudes are compared."""
        return common({layer.format for layer in self.layers})


class _Known(NamedTuple):
    """What is known of a layer, in the group's format: how many elements are below `low`; and the patterns from there
    up to `high` in order, with how many there are of each, None for one. At most `most` of its elements may be taken.
    """

    low: int
    high: int
    below: int
    patterns: Bits
    counts: Counts | None
    most: int

    @classmethod
    def of(cls, tally: Tally, most: int, wide: Format) -> _Known:
        own, (low, high) = tally.layer.format, tally.window
        patterns, counts = tally.inside(wide)
        patterns = np.sort(patterns) if counts is None else patterns
        least = _widened(low - 1, own, wide) + 1 if low else 0
        last = _widened(high + 1, own, wide) - 1 if high < own.infinity else wide.infinity
        return cls(least, last, tally.below, patterns, counts, most)

    def up_to(self, pattern: int) -> int:
        """How many elements are at or below a pattern, so far as is known."""
        if pattern < self.low:
            return self.below
        number = int(self.patterns.searchsorted(self.patterns.dtype.type(pattern), "right"))
        return self.below + (number if self.counts is None else int(self.counts[:number].sum()))

    def suffices(self, threshold: int) -> bool:
        """Whether, at this threshold of the group, it is known how many elements are taken, and up to which."""
        all_below = not self.below or (self.below <= self.most and self.low <= threshold)
        return all_below and (threshold <= self.high or self.up_to(self.high) >= self.most)


def _widened(pattern: int, own: Format, wide: Format) -> int:
    return int(magnitudes(np.array([pattern], own.unsigned), own, wide)[0])


def select(layers: Sequence[Weights], count: int, most: Sequence[int], workers: Workers) -> list[Cut]:
    """Choose exactly `count` elements of the layers of a group, in layer i at most `most[i]`.

    Raises PruneconfError where the caps do not leave room for `count`, or a weight is NaN.
    """
    return select_all([Group(layers, count, most)], workers)[0]


def select_all(groups: Sequence[Group], workers: Workers) -> list[list[Cut]]:
    """Choose the elements of several groups in one pass over all their layers; see `select`."""
    for group in groups:
        room = sum(min(cap, layer.bits.size) for cap, layer in zip(group.most, group.layers, strict=True))
        if group.count > room:
            raise PruneconfError(f"cannot mask {group.count} elements: the caps of the layers leave room for {room}")
    tallies = [
        [Tally(layer, window) for layer, window in zip(group.layers, _windows(group), strict=True)] for group in groups
    ]
    found: list[list[Cut] | None] = []
    for number, complete in survey(tallies, workers):
        reject([tally.layer for tally in tallies[number]], [tally.nan for tally in tallies[number]])
        found.append(_cuts(groups[number], tallies[number], workers) if complete else None)
        tallies[number].clear()
    return [
        select_by_histograms(group.layers, group.count, group.most, workers) if cuts is None else cuts
        for group, cuts in zip(groups, found, strict=True)
    ]


def _cuts(group: Group, tallies: Sequence[Tally], workers: Workers) -> list[Cut] | None:
    """The cuts that the tallies lead to, None where they are not about the right windows."""
    if not group.count:
        return [Cut(0, 0, 0)] * len(tallies)
    wide = group.format
    layers = [_Known.of(tally, most, wide) for tally, most in zip(tallies, group.most, strict=True)]

    def taken(pattern: int) -> int:
        return sum(min(layer.up_to(pattern), layer.most) for layer in layers)

    span = range(min(layer.low for layer in layers), max(layer.high for layer in layers) + 1)
    threshold = span.start + bisect_left(span, group.count, key=taken)
    left = group.count - taken(threshold - 1)
    if threshold == span.stop or left <= 0 or not all(layer.suffices(threshold) for layer in layers):
        return None
    cuts = []
    for layer, tally in zip(layers, tallies, strict=True):
        at, quota = threshold, left
        if threshold > layer.high or layer.up_to(threshold - 1) > layer.most:  # full before: cut at one of its own
            at = layer.low + bisect_left(range(layer.low, layer.high + 1), layer.most, key=layer.up_to)
            quota = layer.most
        below = layer.up_to(at - 1)
        ties = layer.up_to(at) - below
        quota = min(ties, layer.most - below, quota)
        left -= quota if at == threshold else 0
        cuts.append(_cut(tally, narrowed(at, wide, tally.layer.format), below, ties, quota, workers.chunk))
    return cuts


def _cut(tally: Tally, threshold: int, below: int, ties: int, quota: int, chunk: int) -> Cut:
    layer, left = tally.layer, quota
    if threshold > layer.format.infinity:
        return Cut.whole(layer)
    if quota == ties:
        return Cut(threshold, layer.bits.size if ties else 0, below + quota)
    for where, here in tally.ties(threshold):
        if here >= left:
            searched = range(where.start, where.stop, chunk)
            return Cut(threshold, after_tie(layer, searched, threshold, left), below + quota)
        left -= here
    raise AssertionError(f"of {ties} ties there are not {quota}")


def _windows(group: Group) -> list[Window]:
    """For each layer the window in which a sample says that its own threshold and the group's lie."""
    sizes = [layer.bits.size for layer in group.layers]
    if sum(sizes) < _WORTH_SAMPLING or not group.count:
        return [Window(0, layer.format.infinity if group.count else 0) for layer in group.layers]
    wide = group.format
    samples = list(_samples(group.layers, sum(sizes), wide))
    eligible, own = [], []
    for keys, most, size in zip(samples, group.most, sizes, strict=True):
        if most < size:
            ordered, middle = np.sort(keys), most * keys.size / size
            own.append(_bracket(ordered, middle, keys.size, wide.infinity))
            eligible.append(ordered[: round(middle)])
        else:
            own.append(Window(wide.infinity, wide.infinity))
            eligible.append(keys)
    taken = sum(keys.size for keys in samples)
    low, high = _bracket(np.concatenate(eligible), group.count * taken / sum(sizes), taken, wide.infinity)
    spans = [(min(low, lowest), min(high, highest)) for lowest, highest in own]
    return [_window(*span, wide, layer.format) for span, layer in zip(spans, group.layers, strict=True)]


def _bracket(keys: Bits, middle: float, of: int, infinity: int) -> Window:
    """Between which patterns the one with rank `middle` lies, by a sample of size `of` whose lowest are `keys`."""
    error = _DEVIATIONS * sqrt(max(0, middle * (1 - middle / of))) + 2 * _BLOCK if of else 0
    ranks = floor(middle - error), ceil(middle + error)
    present = [rank for rank in ranks if 0 <= rank < keys.size]
    ordered = np.partition(keys, present) if present else keys
    low, high = (min(int(ordered[rank]), infinity) if rank in present else infinity for rank in ranks)
    return Window(low if ranks[0] >= 0 else 0, high)


def _window(low: int, high: int, wide: Format, own: Format) -> Window:
    """A window in a layer's own format: at least what lies in this one."""
    least = min(narrowed(low, wide, own), own.infinity)
    return Window(least, max(least, own.infinity if high >= wide.infinity else narrowed(high + 1, wide, own) - 1))


def _samples(layers: Sequence[Weights], size: int, wide: Format) -> Iterator[Bits]:
    """Magnitudes of every n-th block of all layers, as if they were one: about 2 size^(2/3) elements, from where on to
    sample more takes longer than it spares.
    """
    step = max(2, round(max(cbrt(size) / 2, size / _MOST_SAMPLED)))
    passed = 0
    for layer in layers:
        bits = layer.bits.elements if isinstance(layer.bits, Shipped) else layer.bits
        block = _BLOCK if isinstance(bits, np.ndarray | DeviceArray) else _READ_BLOCK
        yield magnitudes(_sample(bits, -passed % step, step, block), layer.format, wide)
        passed += bits.size // block


def _sample(bits: Elements, first: int, step: int, block: int) -> Bits:
    """The blocks with the numbers `first`, `first + step`, ... of a layer."""
    if isinstance(bits, DeviceArray):
        return bits.sample(first, step, block)
    if isinstance(bits, np.ndarray):
        return bits[: bits.size - bits.size % block].reshape(-1, block)[first::step].reshape(-1)
    starts = range(first * block, bits.size - bits.size % block, step * block)
    return np.concatenate([bits[start : start + block] for start in starts] or [bits[:0]])
