"""Where layers are cut, and what keeps them from being cut: NaN has no rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pruneconf.errors import PruneconfError
from pruneconf.pruning.floats import Weights, count_nan, magnitudes
from pruneconf.pruning.workers import Workers


@dataclass(frozen=True, slots=True)
class Cut:
    """Where one layer is cut: it loses the elements whose magnitude pattern is below `threshold`, and of those at
    it the ones whose flat index is below `stop`. That makes `masked` elements.
    """

    threshold: int
    stop: int
    masked: int

    @classmethod
    def whole(cls, layer: Weights) -> Cut:
        """The cut that takes everything. Its threshold is a number, since what is above all may not be a pattern."""
        return cls(layer.format.infinity, layer.bits.size, layer.bits.size)


def after_tie(layer: Weights, where: range, threshold: int, number: int) -> int:
    """The flat index just after the `number`-th element of a stretch whose magnitude pattern is `threshold`; 0 for
    number 0. `where` are the starts of the chunks that the stretch is searched by.
    """
    for start in where if number else ():
        chunk = layer.bits[start : min(start + where.step, where.stop)]
        ties = np.flatnonzero(magnitudes(chunk, layer.format) == threshold)
        if ties.size >= number:
            return start + int(ties[number - 1]) + 1
        number -= ties.size
    return 0


def reject_nan(layers: Sequence[Weights], workers: Workers) -> None:
    """Raise PruneconfError naming the first layer that has a NaN, and how many it has."""

    def count(i: int, starts: range) -> tuple[int, int]:
        bits, own = layers[i].bits, layers[i].format
        return i, sum(count_nan(bits[start : start + workers.chunk], own) for start in starts)

    found = [0] * len(layers)
    for i, nan in workers.run(count, [layer.bits.size for layer in layers]):
        found[i] += nan
    reject(layers, found)


def reject(layers: Sequence[Weights], nans: Sequence[int]) -> None:
    """Raise PruneconfError naming the first layer that has a NaN, where the numbers of them are known."""
    for layer, nan in zip(layers, nans, strict=True):
        if nan:
            raise PruneconfError(
                f"`{layer.layer}` has {nan} NaN among its {layer.bits.size} weights, and NaN cannot be ranked; "
                "repair the weights first"
            )
