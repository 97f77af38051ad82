"""A tensor of a checkpoint that is masked chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pruneconf.pruning.floats import Bits, Bools, Format, magnitudes

_BLOCK = 1 << 16
"""Elements that are masked at a time, within the cache of a core."""


@dataclass(frozen=True, slots=True)
class Masking:
    """How one tensor of a checkpoint is masked.

    `parameter` is the key of its mask; tensors that are one weight in the model have the same. `keep(bits, start)` says
    which elements from flat index `start` on are kept.
    """

    parameter: str
    format: Format
    keep: Callable[[Bits, int], Bools]


@dataclass(slots=True)
class Outcome:
    """What a mask did to a weight: how many elements it took, and the pattern of the highest magnitude among them."""

    masked: int = 0
    highest: int = 0


def masked(chunk: Bits, start: int, masking: Masking, outcome: Outcome) -> tuple[Bits, Bools]:
    """A chunk from flat index `start` on with its mask applied, and the mask; what it took is added to the outcome."""
    result, keep = np.empty_like(chunk), np.empty(chunk.size, np.bool_)
    for at in range(0, chunk.size, _BLOCK):
        part = slice(at, at + _BLOCK)
        here = keep[part] = masking.keep(chunk[part], start + at)
        factors = here.astype(chunk.dtype)  # to multiply by bools directly takes twice as long
        np.multiply(chunk[part], factors, out=result[part])
        factors ^= factors.dtype.type(1)
        factors *= magnitudes(chunk[part], masking.format)
        outcome.highest = max(outcome.highest, int(factors.max()))
    outcome.masked += keep.size - int(np.count_nonzero(keep))
    return result, keep
