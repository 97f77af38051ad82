"""Tensors whose elements do not lie one after another in one file: cut into boxes, as devices hold them, or transposed.

They stay in their files, as those of a `FileArray` do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from math import prod
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from pruneconf.pruning.filearray import FileArray, InputFile
from pruneconf.pruning.gather import Numbers, gather, in_rows, span

_BYTE = np.dtype(np.uint8)
_ROOM = 1 << 27
"""How many bytes are kept in memory of tensors that are scattered, in bands, of which each thread has one at hand."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A box of a tensor, from the indices `starts` up to `stops`.

    Its first element is at byte `offset` of a file, the next along an axis as many bytes further as `strides` says.
    """

    starts: Numbers
    stops: Numbers
    file: InputFile
    offset: int
    strides: Numbers

    def span(self, width: int) -> int:
        """How many bytes there are from the first to the last of its elements, of `width` bytes each."""
        return span([stop - start for start, stop in zip(self.starts, self.stops, strict=True)], self.strides, width)


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A tensor with elements of `dtype` that `parts` make up; `rows` are where these start and stop along its first
    axis, of shape (2, parts).
    """

    shape: Numbers
    parts: tuple[Part, ...]
    rows: npt.NDArray[np.int64]
    dtype: np.dtype[Any]

    @property
    def scattered(self) -> bool:
        """Whether elements of one row of a part are farther from each other than those of different rows."""
        return any(not _falling(part) for part in self.parts)

    def expect(self) -> None:
        """Tell the system that all will be read: it is not read in the order in which it is stored."""
        for part in self.parts:
            part.file.expect(part.offset, part.span(self.dtype.itemsize))

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """The elements from one flat index up to another. Memory is needed for three times as many at the most."""
        found, done = np.empty(stop - start, self.dtype), 0
        for lows, highs in boxes(self.shape, start, stop):
            sizes = [high - low for low, high in zip(lows, highs, strict=True)]
            box = found[done : done + prod(sizes)].reshape(sizes)
            for number in np.flatnonzero((self.rows[0] < highs[0]) & (self.rows[1] > lows[0])):
                _fill(box, lows, highs, self.parts[number])
            done += box.size
        return found


@dataclass(frozen=True, slots=True, eq=False)
class PartedArray:
    """The elements of a tensor, row by row and as `dtype`, that stay in files. A slice is an array in memory.

    Of one that is `scattered`, some bands of rows are kept in memory, since it takes as long to read a few elements.
    """

    whole: Whole
    scattered: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """How many elements of `dtype` there are."""
        return prod(self.whole.shape) * self.whole.dtype.itemsize // self.dtype.itemsize

    def __getitem__(self, part: slice) -> npt.NDArray[Any]:
        first, last, _ = part.indices(self.size)
        start, stop = first * self.dtype.itemsize, max(first, last) * self.dtype.itemsize
        width = self.whole.dtype.itemsize
        found = self._read(start // width, -(-stop // width)).view(np.uint8)
        return found[start % width :][: stop - start].view(self.dtype)

    def view(self, dtype: np.dtype[Any]) -> PartedArray:
        """The same bytes as elements of another type."""
        return replace(self, dtype=dtype)

    def forget(self) -> None:
        """Tell the system that the elements need not stay in memory."""
        _KEPT.drop(self.whole)
        for part in self.whole.parts:
            part.file.forget(part.offset, part.span(self.whole.dtype.itemsize))

    def _read(self, start: int, stop: int) -> npt.NDArray[Any]:
        if not self.scattered:
            return self.whole.read(start, stop)
        size = _band_size(self.whole)
        numbers = range(start // size, -(-stop // size))
        bands = [_KEPT.get(self.whole, at, size)[max(start - at * size, 0) : stop - at * size] for at in numbers]
        return bands[0] if len(bands) == 1 else np.concatenate([self.whole.read(0, 0), *bands])


def _band_count() -> int:
    """How many bands are kept: threads that rank have one each, and go on to the next."""
    return torch.get_num_threads() + 2


def _band_size(whole: Whole) -> int:
    """How many elements a band has: whole rows, of the tensor or, where these are too large, of what is in them."""
    most = max(1, _ROOM // (_band_count() * whole.dtype.itemsize))
    row = next(size for axis in range(len(whole.shape) + 1) if (size := prod(whole.shape[axis:])) <= most)
    return most // max(1, row) * max(1, row)


class _Bands:
    """The bands that were used last. Where several threads want one, it is read once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._bands: OrderedDict[tuple[Whole, int, int], Future[npt.NDArray[Any]]] = OrderedDict()

    def get(self, whole: Whole, number: int, size: int) -> npt.NDArray[Any]:
        """The elements of a band."""
        with self._lock:
            band = self._bands.get((whole, number, size))
            found = self._bands.setdefault((whole, number, size), Future())
            self._bands.move_to_end((whole, number, size))
            while len(self._bands) > _band_count():
                self._bands.popitem(last=False)
        if band is None:
            try:
                whole.expect()
                found.set_result(whole.read(number * size, min((number + 1) * size, prod(whole.shape))))
            except BaseException as error:
                found.set_exception(error)
                self.drop(whole)
                raise
        return found.result()

    def drop(self, whole: Whole) -> None:
        """Keep none of a tensor."""
        with self._lock:
            for key in [key for key in self._bands if key[0] is whole]:
                del self._bands[key]


_KEPT = _Bands()


def joined(shape: Numbers, parts: Sequence[Part], width: int) -> FileArray | PartedArray:
    """The bytes of a tensor that parts make up, with elements of `width` bytes."""
    if len(parts) == 1 and in_rows(shape, parts[0].strides, width):
        return FileArray(parts[0].file, parts[0].offset, prod(shape) * width, _BYTE)
    ends = [[part.starts[0], part.stops[0]] for part in parts if part.starts]
    rows = np.array(ends, np.int64).reshape(-1, 2).T
    whole = Whole(shape, tuple(parts), rows, np.dtype(f"<u{width}"))
    return PartedArray(whole, whole.scattered, _BYTE)


def part_of(tensor: torch.Tensor, starts: Numbers, file: InputFile, begin: int = 0) -> Part | None:
    """Where the elements of a fake tensor are, which `torch.load` made of a file from byte `begin` on; `starts` says
    where the tensor is in a larger one. None where the file does not hold the elements as they are.
    """
    if tensor.layout is not torch.strided or tensor.is_conj() or tensor.is_neg():
        return None
    at: int | None = tensor.untyped_storage()._checkpoint_offset  # noqa: SLF001 - set by torch.load
    if at is None:
        return None
    width = tensor.element_size()
    stops = tuple(start + size for start, size in zip(starts, tensor.shape, strict=True))
    offset = begin + at + int(tensor.storage_offset()) * width
    return Part(starts, stops, file, offset, tuple(stride * width for stride in tensor.stride()))


def boxes(shape: Numbers, start: int, stop: int) -> Iterator[tuple[Numbers, Numbers]]:
    """The boxes, from which indices up to which, that hold the elements from one flat index up to another, in order.

    There are at most two for each axis, and one more.
    """
    if start >= stop:
        return
    if not shape:
        yield (), ()
        return
    (_, *rest), inner = shape, prod(shape[1:])
    row, begin = divmod(start, inner)
    last, end = divmod(stop, inner)
    if begin:
        for lows, highs in boxes(shape[1:], begin, inner if row < last else end):
            yield (row, *lows), (row + 1, *highs)
        row += 1
    if row < last:
        yield (row, *[0] * len(rest)), (last, *rest)
    if row <= last:
        for lows, highs in boxes(shape[1:], 0, end):
            yield (last, *lows), (last + 1, *highs)


def _fill(box: npt.NDArray[Any], lows: Numbers, highs: Numbers, part: Part) -> None:
    """Read what a part has of a box."""
    starts = [max(low, start) for low, start in zip(lows, part.starts, strict=True)]
    stops = [min(high, stop) for high, stop in zip(highs, part.stops, strict=True)]
    if any(start >= stop for start, stop in zip(starts, stops, strict=True)):
        return
    here = tuple(slice(start - low, stop - low) for start, stop, low in zip(starts, stops, lows, strict=True))
    steps = zip(starts, part.starts, part.strides, strict=True)
    offset = part.offset + sum((start - first) * stride for start, first, stride in steps)
    gather(part.file, offset, part.strides, box[here])


def _falling(part: Part) -> bool:
    """Whether no axis has greater strides than one before it."""
    axes = zip(part.starts, part.stops, part.strides, strict=True)
    strides = [stride for start, stop, stride in axes if stop - start > 1]
    return strides == sorted(strides, reverse=True)
