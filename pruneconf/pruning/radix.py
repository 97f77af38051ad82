"""Selection by histograms alone: slower than by a sample, but in bounded memory whatever the weights are.

Each pass over the weights counts them in bins of equal width, and the next pass looks into the one bin where the
number of elements, within the caps of their layers, gets to what is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pruneconf.pruning.cuts import Cut, after_tie
from pruneconf.pruning.floats import Bits, Format, Weights, common, magnitudes, narrowed
from pruneconf.pruning.survey import Counts
from pruneconf.pruning.workers import Workers

_TALLY_SIZE = 1 << 18
"""Counters in all layers' histograms together: 2 MiB, unless there are so many layers that each has the least."""
_LEAST_BINS, _MOST_BINS = 1 << 8, 1 << 13


class _Bins(NamedTuple):
    """A stretch of magnitude patterns in bins: bin i holds [low + i * 2**shift, low + (i + 1) * 2**shift)."""

    low: int
    shift: int
    number: int

    @classmethod
    def over(cls, low: int, width: int, layers: int) -> _Bins:
        most = min(_MOST_BINS, max(_LEAST_BINS, _TALLY_SIZE // layers))
        shift = max(0, (width - 1).bit_length() - (most.bit_length() - 1))
        return cls(low, shift, ((width - 1) >> shift) + 1)

    def inside(self, bin_: int, layers: int) -> _Bins:
        return _Bins.over(self.low + (bin_ << self.shift), 1 << self.shift, layers)


class _Level(NamedTuple):
    """The threshold, and per layer how many elements lie below it and how many at it."""

    threshold: int
    below: Counts
    ties: Counts


def select_by_histograms(group: Sequence[Weights], count: int, most: Sequence[int], workers: Workers) -> list[Cut]:
    """As `select`, for weights without NaN, a positive `count` and caps that leave room for it."""
    wide = common({layer.format for layer in group})
    level = _threshold(group, count, np.array(most, np.int64), wide, workers)
    left = count - int(np.minimum(level.below, most).sum())
    cuts = []
    for layer, cap, below, ties in zip(group, most, level.below.tolist(), level.ties.tolist(), strict=True):
        if below > cap:  # full before the threshold: it is cut at one of its own
            cuts += select_by_histograms([layer], cap, [cap], workers) if cap else [Cut(0, 0, 0)]
            continue
        quota = min(ties, cap - below, left)
        left -= quota
        threshold = narrowed(level.threshold, wide, layer.format)
        if threshold > layer.format.infinity:
            cuts.append(Cut.whole(layer))
            continue
        everywhere = range(0, layer.bits.size, workers.chunk)
        stop = layer.bits.size if 0 < quota == ties else after_tie(layer, everywhere, threshold, quota)
        cuts.append(Cut(threshold, stop, below + quota))
    return cuts


def _threshold(group: Sequence[Weights], count: int, most: Counts, wide: Format, workers: Workers) -> _Level:
    """The least magnitude up to which the layers have, within their caps, `count` elements."""
    bins = _Bins.over(0, wide.magnitude + 1, len(group))
    while True:
        below, counts = _tally(group, bins, wide, workers)
        up_to = below[:, None] + counts.cumsum(axis=1)
        bin_ = int(np.searchsorted(np.minimum(up_to, most[:, None]).sum(axis=0), count))
        if bins.shift == 0:
            return _Level(bins.low + bin_, up_to[:, bin_] - counts[:, bin_], counts[:, bin_])
        bins = bins.inside(bin_, len(group))


def _tally(group: Sequence[Weights], bins: _Bins, wide: Format, workers: Workers) -> tuple[Counts, Counts]:
    """Per layer, the number of elements below the bins, and in each of them."""
    below = np.zeros(len(group), np.int64)
    counts = np.zeros((len(group), bins.number), np.int64)

    def work(i: int, starts: range) -> tuple[int, int, Counts]:
        lower, inside = 0, np.zeros(bins.number, np.int64)
        for start in starts:
            keys = magnitudes(group[i].bits[start : start + workers.chunk], group[i].format, wide)
            lower += int(np.count_nonzero(keys < bins.low))
            inside += _histogram(keys, bins)
        return i, lower, inside

    for i, lower, inside in workers.run(work, [layer.bits.size for layer in group]):
        below[i] += lower
        counts[i] += inside
    return below, counts


def _histogram(keys: Bits, bins: _Bins) -> Counts:
    width = bins.number << bins.shift
    offsets = keys - bins.low  # what lies below the bins wraps around to far beyond them
    inside = offsets if width > np.iinfo(keys.dtype).max >> 1 else offsets[offsets < width]
    return np.bincount((inside >> bins.shift).astype(np.int64), minlength=bins.number)
