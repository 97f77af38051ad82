"""Scores of output channels: the lowest are masked first.

They are computed in float64, each channel's from its elements in flat order, so that they depend neither on threads
nor on how a layer is cut into pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import shake_256
from itertools import chain
from math import fsum

import numpy as np
import numpy.typing as npt

from pruneconf.errors import PruneconfError
from pruneconf.graph import Layer
from pruneconf.plan import channel_axis
from pruneconf.pruning.floats import Bits, Weights, values
from pruneconf.pruning.workers import Workers

Scores = npt.NDArray[np.float64]
"""One for each output channel of a layer."""

_BLOCK = 1 << 16
"""Elements that are widened to float64 at a time: half a MiB."""


def l1(layer: Layer, weights: Weights) -> Scores:
    """The sum of |w| over each channel."""
    return _joined(np.abs(block).sum(axis=1) for block in _blocks(layer, weights))


def l2(layer: Layer, weights: Weights) -> Scores:
    """The Euclidean norm of each channel."""
    return _joined(np.sqrt(np.square(block).sum(axis=1)) for block in _blocks(layer, weights))


def fpgm(layer: Layer, weights: Weights) -> Scores:
    """The sum of the Euclidean distances of each channel to the layer's other channels.

    "Filter pruning via geometric median" (He et al., CVPR 2019): the channels nearest to all others can be spared. The
    distances are summed exactly, because sums that are equal are common: of four points on a line, the middle two's.
    Raises PruneconfError where the weight has an infinity: its distances are undefined.
    """
    rows = np.concatenate(list(_blocks(layer, weights)))
    if not np.isfinite(rows).all():
        raise PruneconfError(
            f"`{layer.name}` has infinite weights, between which `fpgm` knows no distance; repair them"
        )
    step = max(1, _BLOCK // 2 // rows.shape[1])
    sums, rests = np.zeros(len(rows)), np.zeros(len(rows))  # together exact to twice the digits
    for i, row in enumerate(rows):
        starts = range(i + 1, len(rows), step)
        blocks = (np.sqrt(np.square(rows[at : at + step] - row).sum(axis=1)) for at in starts)
        distances = _joined(chain(blocks, [np.zeros(0)]))
        before, sums[i + 1 :] = sums[i + 1 :].copy(), sums[i + 1 :] + distances
        added = sums[i + 1 :] - before
        rests[i + 1 :] += (before - (sums[i + 1 :] - added)) + (distances - added)
        sums[i] = fsum((sums[i], rests[i], *distances.tolist()))
    return sums


def seed_for(pruner: str, seed: int | None) -> int:
    """The seed of a run, 0 if none is given. Raises PruneconfError where the pruner has no use for one."""
    if seed is not None and pruner != "random":
        raise PruneconfError(f"`seed` is for the pruner `random`, not `{pruner}`; leave it out")
    return seed or 0


def drawn(layer: Layer, seed: int) -> Scores:
    """A number in [0, 1) for each channel: 53 bits of SHAKE-256 of the seed and the weight's state-dict key."""
    size = layer.shape[channel_axis(layer) or 0]
    digest = shake_256(f"{seed}:{layer.parameter}".encode()).digest(8 * size)
    return (np.frombuffer(digest, "<u8") >> np.uint64(11)).astype(np.float64) * 2.0**-53


_NORMS: Mapping[str, Callable[[Layer, Weights], Scores]] = {"l1": l1, "l2": l2, "fpgm": fpgm}


def scores_of(
    pruner: str, layers: Mapping[str, Layer], weights: Mapping[str, Weights], workers: Workers, seed: int
) -> dict[str, Scores]:
    """The scores of all channels of layers by parameter name. `weights` are free of NaN."""

    def score(parameter: str) -> Scores:
        layer = layers[parameter]
        with np.errstate(over="ignore"):  # of the squares of large float64: they are infinite then
            return drawn(layer, seed) if pruner == "random" else _NORMS[pruner](layer, weights[parameter])

    with ThreadPoolExecutor(workers.threads) as pool:
        found = {}
        for parameter, result in zip(layers, pool.map(score, layers), strict=True):
            found[parameter] = result
            workers.went(layers[parameter].numel)
        return found


def _blocks(layer: Layer, weights: Weights) -> Iterator[Scores]:
    """A layer's channels in order, a few at a time: shape (channels, elements of one), float64."""
    axis = channel_axis(layer) or 0
    before, count = int(np.prod(layer.shape[:axis], dtype=np.int64)), layer.shape[axis]
    folded: Bits = weights.bits[:].reshape(before, count, -1)
    step = max(1, _BLOCK * count // weights.bits.size)
    for start in range(0, count, step):
        part = np.ascontiguousarray(folded[:, start : start + step].swapaxes(0, 1))
        yield values(part, weights.format).astype(np.float64).reshape(len(part), -1)


def _joined(parts: Iterable[Scores]) -> Scores:
    return np.concatenate(list(parts))
