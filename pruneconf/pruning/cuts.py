"""Where layers are cut, and what keeps them from being cut: NaN has no rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pruneconf.errors import PruneconfError
from pruneconf.pruning.floats import Elements, Format, Weights, count_nan, magnitudes
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
    def whole(cls, own: Format, size: int) -> Cut:
        """The cut that takes everything. Its threshold is a number, since what is above all may not be a pattern."""
        return cls(own.infinity, size, size)


def after_tie(bits: Elements, own: Format, where: range, threshold: int, number: int) -> int:
    """The index just after the `number`-th element of a stretch whose magnitude pattern is `threshold`. `where` are the
    starts of the chunks that the stretch is searched by.
    """
    for start in where:
        chunk = bits[start : min(start + where.step, where.stop)]
        ties = np.flatnonzero(magnitudes(chunk, own) == threshold)
        if ties.size >= number:
            return start + int(ties[number - 1]) + 1
        number -= ties.size
    raise AssertionError(f"{number} elements at {threshold} have gone")


def reject_nan(layers: Sequence[Weights], workers: Workers) -> None:
    """Raise PruneconfError naming the first layer that has a NaN, and how many it has."""

    def count(i: int, starts: range) -> tuple[int, int]:
        bits, own = layers[i].bits, layers[i].format
        return i, sum(count_nan(bits[start : start + workers.chunk], own) for start in starts)

    found = [0] * len(layers)
    for i, nan in workers.run(count, [layer.bits.size for layer in layers]):
        found[i] += nan
    for layer, nan in zip(layers, found, strict=True):
        reject(layer.layer, nan, layer.bits.size)


def reject(layer: str, nan: int, size: int) -> None:
    """Raise PruneconfError where there are NaN among the elements of a layer."""
    if nan:
        raise PruneconfError(
            f"`{layer}` has {nan} NaN among its {size} weights, and NaN cannot be ranked; repair the weights first"
        )
