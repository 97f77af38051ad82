"""From cuts to masks. A mask is True where an element is kept; a masked element is +0.0, the others keep every bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pruneconf.errors import PruneconfError
from pruneconf.pruning.channels import ChannelCut
from pruneconf.pruning.floats import Bits, Bools, Format, Weights, magnitudes
from pruneconf.pruning.select import Cut
from pruneconf.pruning.workers import Workers

AnyCut = Cut | ChannelCut

MASK_FORMS = ("bool", "packed", "none")
"""One byte an element; one bit an element, the first in the highest bit of a byte; or no masks at all."""


def check_form(form: str) -> None:
    """Raise PruneconfError unless this is one of `MASK_FORMS`."""
    if form not in MASK_FORMS:
        raise PruneconfError(
            f"masks cannot be `{form}`; choose from " + ", ".join(f"`{known}`" for known in MASK_FORMS)
        )


def kept(bits: Bits, start: int, own: Format, cut: AnyCut) -> Bools:
    """Which of a layer's elements from flat index `start` on, given as bit patterns, a cut leaves in place.

    The comparison decides, not the value: a weight that is zero by nature may be kept.
    """
    if isinstance(cut, ChannelCut):
        return cut.kept(start, bits.size)
    keys = magnitudes(bits, own)
    ties = min(max(cut.stop - start, 0), keys.size)
    if ties in (0, keys.size):
        return np.asarray(keys >= cut.threshold + bool(ties))
    return np.concatenate([keys[:ties] > cut.threshold, keys[ties:] >= cut.threshold])


def mask_in_place(
    group: Sequence[Weights], cuts: Sequence[AnyCut], form: str, workers: Workers
) -> list[npt.NDArray[Any] | None]:
    """Zero what the cuts take from the layers; the masks, flat, in the form asked for (one of `MASK_FORMS`)."""
    sizes = [layer.bits.size for layer in group]
    masks = [_empty_mask(form, size) for size in sizes]

    def work(i: int, starts: range) -> None:
        mask = masks[i]
        for start in starts:
            chunk = group[i].bits[start : start + workers.chunk]
            keep = kept(chunk, start, group[i].format, cuts[i])
            np.multiply(chunk, keep, out=chunk)
            if mask is not None and form == "packed":
                mask[start // 8 : (start + keep.size + 7) // 8] = np.packbits(keep)
            elif mask is not None:
                mask[start : start + keep.size] = keep

    for _ in workers.run(work, sizes):
        pass
    return masks


def _empty_mask(form: str, size: int) -> npt.NDArray[Any] | None:
    if form == "none":
        return None
    return np.empty((size + 7) // 8, np.uint8) if form == "packed" else np.empty(size, np.bool_)
