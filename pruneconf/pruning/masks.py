"""From cuts to masks. A mask is True where an element is kept; a masked element is +0.0, the others keep every bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
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
        bits, cut = group[i].bits, cuts[i]
        if isinstance(bits, DeviceArray):
            keep = _mask_on_device(bits, starts.start, starts.stop, group[i].format, cut)
            _enter(masks[i], form, starts.start, packed(keep) if form == "packed" else keep)
            return
        scratch = np.empty(workers.chunk, group[i].format.unsigned)
        for start in starts:
            chunk = bits[start : min(start + workers.chunk, starts.stop)]
            kept_here = kept(chunk, start, group[i].format, cut)
            factors = scratch[: chunk.size]
            factors[...] = kept_here  # to multiply by bools directly takes twice as long
            np.multiply(chunk, factors, out=chunk)
            _enter(masks[i], form, start, torch.from_numpy(np.packbits(kept_here) if form == "packed" else kept_here))

    for _ in workers.run(work, [layer.bits.size for layer in group]):
        pass
    return masks


def _enter(mask: torch.Tensor | None, form: str, start: int, part: torch.Tensor) -> None:
    if mask is not None:
        first = start // 8 if form == "packed" else start
        mask[first : first + part.numel()] = part


def _mask_on_device(bits: DeviceArray, start: int, stop: int, own: Format, cut: AnyCut) -> torch.Tensor:
    if isinstance(cut, ChannelCut):
        keep = torch.from_numpy(cut.kept(start, stop - start)).to(bits.patterns.device)
        bits.mask_by(start, keep)
        return keep
    return bits.mask(start, stop, own, cut.threshold, min(max(cut.stop - start, 0), stop - start))


def _empty_mask(form: str, bits: Elements) -> torch.Tensor | None:
    device = bits.patterns.device if isinstance(bits, DeviceArray) else None
    if form == "none":
        return None
    if form == "packed":
        return torch.empty((bits.size + 7) // 8, dtype=torch.uint8, device=device)
    return torch.empty(bits.size, dtype=torch.bool, device=device)
