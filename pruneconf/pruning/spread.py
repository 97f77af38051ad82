"""How the magnitudes of weights are spread. A bounded sample answers that: it is looked at, and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pruneconf.histogram import STEPS, ZEROS, Histogram
from pruneconf.pruning.floats import Bools, Weights, values
from pruneconf.pruning.masks import AnyCut, kept

_TOGETHER, _MOST, _LEAST = 1 << 21, 1 << 17, 1 << 11
"""How many elements are looked at: of all weights, and of each at the most and at the least (a MiB, widened)."""
_BLOCK = 1 << 10


def histograms(weights: Mapping[str, Weights], cuts: Mapping[str, AnyCut]) -> dict[str, Histogram]:
    """The histogram of each weight, by parameter, with what its cut takes. `weights` are as they were before."""
    share = min(_MOST, max(_LEAST, _TOGETHER // max(1, len(weights))))
    return {parameter: _histogram(layer, cuts[parameter], share) for parameter, layer in weights.items()}


def _histogram(layer: Weights, cut: AnyCut, most: int) -> Histogram:
    blocks = min(most // _BLOCK, -(-layer.bits.size // _BLOCK))
    step = max(_BLOCK, layer.bits.size // max(1, blocks))
    stretches = [(start, layer.bits[start : start + _BLOCK]) for start in range(0, layer.bits.size, step)]
    bits = np.concatenate([stretch for _, stretch in stretches] or [layer.bits[:0]])
    keep = np.concatenate([kept(stretch, start, layer.format, cut) for start, stretch in stretches] or [bits > 0])
    sizes = np.abs(values(bits, layer.format).astype(np.float64))
    with np.errstate(divide="ignore"):
        logs = np.log2(sizes) * STEPS
    bins = np.floor(np.maximum(logs, ZEROS))
    finite = np.isfinite(bins)
    return Histogram(bits.size, _counts(bins, finite & ~keep), _counts(bins, finite & keep))


def _counts(bins: npt.NDArray[np.float64], marked: Bools) -> dict[int, int]:
    found, counts = np.unique(bins[marked].astype(np.int64), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
