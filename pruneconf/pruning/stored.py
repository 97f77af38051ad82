"""Masks as files hold them, checked against the weights beside them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pruneconf.pruning.floats import Bools, count_nan, magnitudes
from pruneconf.pruning.masksfile import MASKS_FILE
from pruneconf.pruning.tensorfile import Tensor, mask_entry
from pruneconf.pruning.tensors import format_of

_CHUNK = 1 << 20


class OffError(Exception):
    """A layer is not as it should be; the message says why, without the layer's name."""


def masked_elements(parameter: str, tensors: list[Tensor], masks: Mapping[str, Tensor] | None) -> int:
    """How many elements of a weight are masked; without masks, how many are zero."""
    size = tensors[0].data.size // (format_of(tensors[0].code).width // 8)
    mask = None
    if masks is not None:
        mask = masks.get(parameter)
        if mask is None:
            raise OffError(f"has no mask `{parameter}` in `{MASKS_FILE}`")
        if mask.kind not in [mask_entry(tensors[0].shape, form)[:2] for form in ("bool", "packed")]:
            shape = list(tensors[0].shape)
            raise OffError(f"has a mask of dtype {mask.code} and shape {list(mask.shape)}, expected BOOL and {shape}")
    masked = 0
    for start in range(0, size, _CHUNK):
        stop = min(start + _CHUNK, size)
        keep = None if mask is None else _keep(mask, start, stop)
        zeros = [_zeros(tensor, start, stop, keep) for tensor in tensors]
        masked += min(zeros) if keep is None else keep.size - int(np.count_nonzero(keep))
    return masked


def _keep(mask: Tensor, start: int, stop: int) -> Bools:
    if mask.code == "U8":
        return np.unpackbits(mask.data[start // 8 : (stop + 7) // 8], count=stop - start).view(np.bool_)
    values = mask.data[start:stop]
    if values.max() > 1:
        raise OffError("has a mask that is not binary")
    return values.view(np.bool_)


def _zeros(tensor: Tensor, start: int, stop: int, keep: Bools | None) -> int:
    """How many zeros there are; raises where there is a NaN or a masked element is not +0.0."""
    own = format_of(tensor.code)
    bits = tensor.data.view(own.unsigned)[start:stop]
    if count_nan(bits, own):
        raise OffError("has a NaN among its weights")
    keys = magnitudes(bits, own)
    if keep is not None and (alive := np.flatnonzero(np.multiply(bits, ~keep))).size:
        raise OffError(f"is masked at flat index {start + int(alive[0])}, but the weight there is not +0.0")
    return keys.size - int(np.count_nonzero(keys))


def lost_channels(tensor: Tensor, mask: Tensor | None, axis: int) -> Bools:
    """Which channels along an axis are masked; without a mask, which hold nothing but zeros.

    Raises OffError where a mask takes a part of a channel.
    """
    before = int(np.prod(tensor.shape[:axis], dtype=np.int64))
    if mask is None:
        own = format_of(tensor.code)
        gone = magnitudes(tensor.data[:].view(own.unsigned), own) == 0
    else:
        gone = ~_keep(mask, 0, int(np.prod(tensor.shape, dtype=np.int64)))
    folded = gone.reshape(before, tensor.shape[axis], -1)
    every: Bools = folded.all(axis=(0, 2))
    if mask is not None and (partly := np.flatnonzero(folded.any(axis=(0, 2)) & ~every)).size:
        raise OffError(f"has a mask that takes only a part of channel {partly[0]}")
    return every
