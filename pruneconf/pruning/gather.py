"""Elements that lie apart in a file, or in another order, read into an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.stride_tricks import as_strided

from pruneconf.pruning.filearray import InputFile

Numbers = tuple[int, ...]
"""One for each axis of a tensor."""

_PIECE, _SMALL = 1 << 19, 1 << 10
"""How many elements are brought into another order at a time at the most, and for how few numpy is the faster one."""
_STRETCH, _GAP = 1 << 22, 1 << 13
"""How many bytes are read to be picked from at the most, and how many of them in a row may be in vain."""


def gather(file: InputFile, offset: int, strides: Numbers, target: npt.NDArray[Any]) -> None:
    """Read elements that lie these strides apart."""
    order = sorted(range(target.ndim), key=lambda axis: (target.shape[axis] == 1, -strides[axis]))
    far = [axis for axis in order if target.shape[axis] > 1]
    if far == sorted(far):
        _gather_rows(file, offset, strides, target)
    elif target.size > _PIECE:  # so that what is turned around fits into the cache of a core
        step = max(1, _PIECE * target.shape[far[0]] // target.size)
        rows = np.moveaxis(target, far[0], 0)
        for start in range(0, len(rows), step):
            piece = np.moveaxis(rows[start : start + step], 0, far[0])
            gather(file, offset + start * strides[far[0]], strides, piece)
    else:
        turned = target.transpose(order)
        found = np.empty(turned.shape, target.dtype)
        _gather_rows(file, offset, tuple(strides[axis] for axis in order), found)
        _turn(found, turned)


def _gather_rows(file: InputFile, offset: int, strides: Numbers, target: npt.NDArray[Any]) -> None:
    """Read elements with falling strides, and what is between them unless that takes longer than to leave it out."""
    if target.flags.c_contiguous and in_rows(target.shape, strides, target.itemsize):
        file.read(offset, memoryview(target.reshape(-1).view(np.uint8).data))
        return
    axis = next((axis for axis, size in enumerate(target.shape) if size > 1), 0)
    rows, inner = np.moveaxis(target, axis, 0), strides[:axis] + strides[axis + 1 :]
    gap = strides[axis] - span(rows.shape[1:], inner, target.itemsize)
    near = gap <= _GAP or span(target.shape, strides, target.itemsize) <= 2 * target.nbytes
    if not near and target.flags.c_contiguous and in_rows(rows.shape[1:], inner, target.itemsize):
        content, size = memoryview(target.reshape(-1).view(np.uint8).data), rows[0].nbytes
        for number in range(len(rows)):
            file.read(offset + number * strides[axis], content[number * size : (number + 1) * size])
        return
    step = max(1, _STRETCH // max(1, strides[axis])) if near else 1
    for start in range(0, len(rows), step):
        some, at = rows[start : start + step], offset + start * strides[axis]
        if len(some) == 1 and target.ndim > 1:
            _gather_rows(file, at, inner, some[0])
            continue
        stretch = np.empty(span(some.shape, (strides[axis], *inner), target.itemsize) // target.itemsize, target.dtype)
        file.read(at, memoryview(stretch.view(np.uint8).data))
        some[...] = as_strided(stretch, some.shape, (strides[axis], *inner))


def _turn(found: npt.NDArray[Any], target: npt.NDArray[Any]) -> None:
    """Copy elements that lie row by row to where they lie in another order."""
    *axes, last = range(target.ndim)
    across = min((axis for axis in axes if target.shape[axis] > 1), key=lambda axis: target.strides[axis])
    if target.shape[across] * target.shape[last] < _SMALL:
        target[...] = found
        return
    sources, places = np.moveaxis(found, across, -2), np.moveaxis(target, across, -2)
    for place in np.ndindex(places.shape[:-2]):
        rows = sources[place]
        turned = np.empty(rows.shape[::-1], f"<i{rows.itemsize}")
        patterns = np.ascontiguousarray(rows).view(turned.dtype)
        torch.from_numpy(turned).copy_(torch.from_numpy(patterns).t())  # ten times as fast as numpy
        places[place].T[...] = turned.view(rows.dtype)


def span(shape: Sequence[int], strides: Sequence[int], width: int) -> int:
    """How many bytes there are from the first to the last of elements that lie these strides apart."""
    return width + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True)) if all(shape) else 0


def in_rows(shape: Numbers, strides: Numbers, width: int) -> bool:
    """Whether elements lie side by side, row by row."""
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size > 1 and stride != width:
            return False
        width *= size
    return True
