"""From cuts to masks. A mask is True where an element is kept; a masked element is +0.0, the others keep every bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from pruneconf.errors import PruneconfError
from pruneconf.pruning.channels import ChannelCut
from pruneconf.pruning.cuts import Cut
from pruneconf.pruning.device import DeviceArray, packed
from pruneconf.pruning.floats import Bits, Bools, Elements, Format, Weights, magnitudes
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
) -> list[torch.Tensor | None]:
    """Zero what the cuts take from the layers; the masks, flat, in the form asked for (one of `MASK_FORMS`), where the
    weights are.
    """
    masks = [_empty_mask(form, layer.bits) for layer in group]

    def work(i: int, starts: range) -> None:
        layer, cut, mask = group[i], cuts[i], masks[i]
        if isinstance(layer.bits, DeviceArray):
            _mask_on_device(layer.bits, starts, layer.format, cut, mask)
        else:
            _mask_in_memory(layer.bits, starts, layer.format, cut, None if mask is None else mask.numpy())

    for _ in workers.run(work, [layer.bits.size for layer in group]):
        pass
    return masks


def _mask_in_memory(bits: Elements, starts: range, own: Format, cut: AnyCut, mask: npt.NDArray[Any] | None) -> None:
    size = min(starts.step, starts.stop - starts.start)
    scratch, keeps = np.empty(size, own.unsigned), np.empty(size, np.bool_)
    for start in starts:
        chunk = bits[start : min(start + starts.step, starts.stop)]
        keys, keep = scratch[: chunk.size], keeps[: chunk.size]
        if isinstance(cut, ChannelCut) or start < cut.stop < start + chunk.size:
            keep[...] = kept(chunk, start, own, cut)
        else:
            np.add(chunk, chunk, out=keys)  # the sign falls off
            above = np.greater if cut.stop > start else np.greater_equal
            above(keys, own.unsigned.type(2 * cut.threshold), out=keep)
        np.multiply(chunk, keep, out=chunk)
        if mask is not None and mask.dtype == np.bool_:
            mask[start : start + chunk.size] = keep
        elif mask is not None:
            mask[start // 8 : (start + chunk.size + 7) // 8] = np.packbits(keep)


def _mask_on_device(bits: DeviceArray, starts: range, own: Format, cut: AnyCut, mask: torch.Tensor | None) -> None:
    start, stop = starts.start, starts.stop
    if isinstance(cut, ChannelCut):
        keep = torch.from_numpy(cut.kept(start, stop - start)).to(bits.patterns.device)
        bits.mask_by(start, keep)
    else:
        keep = bits.mask(start, stop, own, cut.threshold, min(max(cut.stop - start, 0), stop - start))
    if mask is not None and mask.dtype is torch.bool:
        mask[start:stop] = keep
    elif mask is not None:
        mask[start // 8 : (stop + 7) // 8] = packed(keep)


def _empty_mask(form: str, bits: Elements) -> torch.Tensor | None:
    device = bits.patterns.device if isinstance(bits, DeviceArray) else None
    if form == "none":
        return None
    if form == "packed":
        return torch.empty((bits.size + 7) // 8, dtype=torch.uint8, device=device)
    return torch.empty(bits.size, dtype=torch.bool, device=device)
