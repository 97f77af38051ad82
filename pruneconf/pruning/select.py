"""Exact selection of the weights with the lowest magnitudes, under caps per layer.

The order is strict: by magnitude, then layer, then flat index. A scan in that order that takes an element unless its
layer has lost all it may, and stops after `count`, masks the least Σ|w| that the caps allow (they form a laminar
matroid, on which the greedy algorithm is optimal). The scan need not be made. Let F_l(t) be the number of elements of
layer l with |w| <= t and c_l the most it may lose: the scan has taken Σ min(F_l(t), c_l) elements when it has passed
t. The least t at which that sum reaches `count` is the threshold, and histograms find it: each pass over the weights
counts them in bins of equal width, and the next pass looks into the one bin where the sum gets there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pruneconf.errors import PruneconfError
from pruneconf.pruning.floats import Bits, Elements, Format, Weights, common, magnitudes, narrowed
from pruneconf.pruning.workers import Workers

Counts = npt.NDArray[np.int64]

_TALLY_SIZE = 1 << 18
"""Counters in all layers' histograms together: 2 MiB, unless there are so many layers that each has the least."""
_LEAST_BINS, _MOST_BINS = 1 << 8, 1 << 13

_SAMPLE_BLOCK, _READ_BLOCK, _SAMPLE_EVERY = 16, 1 << 10, 256
_WORTH_SAMPLING = 1 << 22


@dataclass(frozen=True, slots=True)
class Cut:
    """Where one layer is cut: it loses the elements whose magnitude pattern is below `threshold`, and of those at
    it the ones whose flat index is below `stop`. That makes `masked` elements.
    """

    threshold: int
    stop: int
    masked: int


class _Window(NamedTuple):
    """A stretch of magnitude patterns in bins: bin i holds [low + i * 2**shift, low + (i + 1) * 2**shift)."""

    low: int
    shift: int
    bins: int

    @classmethod
    def over(cls, low: int, width: int, layers: int) -> _Window:
        most = min(_MOST_BINS, max(_LEAST_BINS, _TALLY_SIZE // layers))
        shift = max(0, (width - 1).bit_length() - (most.bit_length() - 1))
        return cls(low, shift, ((width - 1) >> shift) + 1)

    def inside(self, bin_: int, layers: int) -> _Window:
        return _Window.over(self.low + (bin_ << self.shift), 1 << self.shift, layers)


class _Level(NamedTuple):
    """The threshold, and per layer how many elements lie below it and how many at it."""

    threshold: int
    below: Counts
    ties: Counts


def select(group: Sequence[Weights], count: int, most: Sequence[int], workers: Workers) -> list[Cut]:
    """Choose exactly `count` elements of the layers of a group, in layer i at most `most[i]`.

    Raises PruneconfError where the caps do not leave room for `count`, or a weight is NaN.
    """
    room = sum(min(cap, layer.bits.size) for cap, layer in zip(most, group, strict=True))
    if count > room:
        raise PruneconfError(f"cannot mask {count} elements: the caps of the layers leave room for {room}")
    reject_nan(group, workers)
    return _select(group, count, most, workers) if room else [Cut(0, 0, 0)] * len(group)


def reject_nan(group: Sequence[Weights], workers: Workers) -> None:
    """Raise PruneconfError naming the first layer that has a NaN, and how many it has."""

    def count_nan(i: int, starts: range) -> tuple[int, int]:
        bits, own = group[i].bits, group[i].format
        chunks = (magnitudes(bits[start : start + workers.chunk], own) for start in starts)
        return i, sum(int(np.count_nonzero(chunk > own.infinity)) for chunk in chunks if chunk.max() > own.infinity)

    found = [0] * len(group)
    for i, nan in workers.run(count_nan, [layer.bits.size for layer in group]):
        found[i] += nan
    for layer, nan in zip(group, found, strict=True):
        if nan:
            raise PruneconfError(
                f"`{layer.layer}` has {nan} NaN among its {layer.bits.size} weights, and NaN cannot be ranked; "
                "repair the weights first"
            )


def _select(group: Sequence[Weights], count: int, most: Sequence[int], workers: Workers) -> list[Cut]:
    wide = common({layer.format for layer in group})
    level = _threshold(group, count, np.array(most, np.int64), wide, workers)
    left = count - int(np.minimum(level.below, most).sum())
    cuts = []
    for layer, cap, below, ties in zip(group, most, level.below.tolist(), level.ties.tolist(), strict=True):
        if below > cap:  # full before the threshold: it is cut at one of its own
            cuts += _select([layer], cap, [cap], workers)
            continue
        quota = min(ties, cap - below, left)
        left -= quota
        threshold = narrowed(level.threshold, wide, layer.format)
        stop = layer.bits.size if 0 < quota == ties else _after_tie(layer, threshold, quota, workers.chunk)
        cuts.append(Cut(threshold, stop, below + quota))
    return cuts


def _threshold(group: Sequence[Weights], count: int, most: Counts, wide: Format, workers: Workers) -> _Level:
    """The least magnitude up to which the layers have, within their caps, `count` elements."""
    everything = _Window.over(0, wide.magnitude + 1, len(group))
    window = _likely_window(group, count, most, wide, workers) or everything
    while True:
        below, counts = _tally(group, window, wide, workers)
        up_to = below[:, None] + counts.cumsum(axis=1)
        taken = np.minimum(up_to, most[:, None]).sum(axis=0)
        if taken[-1] < count or (window.low and np.minimum(below, most).sum() >= count):
            window = everything  # the likely window was the wrong one
            continue
        bin_ = int(np.searchsorted(taken, count))
        if window.shift == 0:
            return _Level(window.low + bin_, up_to[:, bin_] - counts[:, bin_], counts[:, bin_])
        window = window.inside(bin_, len(group))


def _tally(group: Sequence[Weights], window: _Window, wide: Format, workers: Workers) -> tuple[Counts, Counts]:
    """Per layer, the number of elements below a window, and in each of its bins."""
    below = np.zeros(len(group), np.int64)
    counts = np.zeros((len(group), window.bins), np.int64)

    def work(i: int, starts: range) -> tuple[int, int, Counts]:
        lower, inside = 0, np.zeros(window.bins, np.int64)
        for start in starts:
            keys = magnitudes(group[i].bits[start : start + workers.chunk], group[i].format, wide)
            lower += int(np.count_nonzero(keys < window.low))
            inside += _histogram(keys, window)
        return i, lower, inside

    for i, lower, inside in workers.run(work, [layer.bits.size for layer in group]):
        below[i] += lower
        counts[i] += inside
    return below, counts


def _histogram(keys: Bits, window: _Window) -> Counts:
    width = window.bins << window.shift
    offsets = keys - window.low  # what lies below the window wraps around to far beyond it
    inside = offsets if width > np.iinfo(keys.dtype).max >> 1 else offsets[offsets < width]
    return np.bincount((inside >> window.shift).astype(np.int64), minlength=window.bins)


def _likely_window(
    group: Sequence[Weights], count: int, most: Counts, wide: Format, workers: Workers
) -> _Window | None:
    """Where a sample says that the threshold is: a pass over that alone is much faster than one over everything.

    What comes out never depends on the sample: where the threshold turns out to lie elsewhere, everything is searched.
    """
    sizes = np.array([layer.bits.size for layer in group], np.int64)
    if sizes.sum() < _WORTH_SAMPLING:
        return None
    sample = [Weights(layer.layer, layer.format, _sample(layer.bits)) for layer in group]
    taken = np.array([layer.bits.size for layer in sample], np.int64)
    caps = (most * (taken / np.maximum(sizes, 1))).astype(np.int64)
    middle, error = count * int(taken.sum()) // int(sizes.sum()), 8 * isqrt(int(taken.sum()))  # 16 deviations or more
    fewer, more = min(middle - error, int(caps.sum())), middle + error
    low = _threshold(sample, fewer, caps, wide, workers).threshold if fewer > 0 else 0
    high = _threshold(sample, more, caps, wide, workers).threshold if more <= caps.sum() else wide.infinity
    return _Window.over(low, high - low + 1, len(group))


def _sample(bits: Elements) -> Elements:
    """Every 256th block of a layer: neighbours in one block cost one access to memory, or one read of a file."""
    if not isinstance(bits, np.ndarray):
        starts = range(0, bits.size, _READ_BLOCK * _SAMPLE_EVERY)
        return np.concatenate([bits[start : start + _READ_BLOCK] for start in starts] or [bits[:]])
    whole = bits[: bits.size - bits.size % _SAMPLE_BLOCK].reshape(-1, _SAMPLE_BLOCK)
    return whole[::_SAMPLE_EVERY].reshape(-1) if whole.size else bits


def _after_tie(layer: Weights, threshold: int, number: int, chunk: int) -> int:
    """The flat index just after the `number`-th element whose magnitude pattern is `threshold`; 0 for number 0."""
    for start in range(0, layer.bits.size if number else 0, chunk):
        ties = np.flatnonzero(magnitudes(layer.bits[start : start + chunk], layer.format) == threshold)
        if ties.size >= number:
            return start + int(ties[number - 1]) + 1
        number -= ties.size
    return 0
