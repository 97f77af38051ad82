"""Labels: which channels the indices of a tensor's dimensions stand for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int64]
"""Numbers of channels, unique over all axes."""

_LARGEST_BLOCK = 1 << 24


class Axis:
    """A dimension of a parameter, or one made up for the parts of a product.

    Its channels have the codes `start` to `start + size - 1`. `owner` is the parameter's key and the dimension; None
    for a made-up axis. `parent` points to the axis with which this one was found to be one and the same. `parts` is
    true where each channel stands for a set of others: one head for all its channels.
    """

    __slots__ = ("index", "owner", "parent", "parts", "size", "start")

    def __init__(self, index: int, start: int, size: int, owner: tuple[str, int] | None, *, parts: bool) -> None:
        self.index = index
        self.start = start
        self.size = size
        self.owner = owner
        self.parts = parts
        self.parent: Axis | None = None

    def codes(self) -> Codes:
        """All codes, in order."""
        return np.arange(self.start, self.start + self.size, dtype=np.int64)


class Block(NamedTuple):
    """Some dimensions of a tensor and the channel of each of their index combinations.

    `codes` has one dimension per entry of `dims`; a whole axis in order, along one dimension, stands there itself.
    """

    dims: tuple[int, ...]
    codes: Axis | Codes


class Label(NamedTuple):
    """What is known of a tensor's dimensions.

    `blocks` have no dimension in common. The size of a `fixed` dimension is given by the model's input: batch, image,
    sequence. Any other dimension is neutral: constants, and sums over channels.
    """

    blocks: tuple[Block, ...] = ()
    fixed: frozenset[int] = frozenset()


NO_LABEL = Label()


def codes_of(codes: Axis | Codes) -> Codes:
    """The codes as an array."""
    return codes.codes() if isinstance(codes, Axis) else codes


def renamed(label: Label, to: Mapping[int, int]) -> Label:
    """The label after its dimensions moved; what lies on a dimension that is not in `to` is dropped."""
    return Label(
        tuple(
            Block(tuple(to[dim] for dim in block.dims), block.codes)
            for block in label.blocks
            if all(dim in to for dim in block.dims)
        ),
        frozenset(to[dim] for dim in label.fixed if dim in to),
    )


def shifted(label: Label, by: int) -> Label:
    """The label after `by` dimensions were put in front."""
    if not by:
        return label
    blocks = tuple(Block(tuple(dim + by for dim in block.dims), block.codes) for block in label.blocks)
    return Label(blocks, frozenset(dim + by for dim in label.fixed))


def without(label: Label, dim: int) -> Label:
    """The label without all that lies on a dimension."""
    return Label(tuple(block for block in label.blocks if dim not in block.dims), label.fixed - {dim})


def on(label: Label, dim: int) -> tuple[Block, ...]:
    """The block that lies on a dimension, if any."""
    return tuple(block for block in label.blocks if dim in block.dims)


def fixing(label: Label, dims: set[int] | frozenset[int]) -> Label:
    """The label with further fixed dimensions, which lose their channels."""
    kept = tuple(block for block in label.blocks if not dims & set(block.dims))
    return Label(kept, label.fixed | dims)


def taken(label: Label, dim: int, index: Codes) -> Label:
    """The label after picking `index` along a dimension."""
    if not on(label, dim):
        return label
    if not index.size:
        return without(label, dim)
    return Label(
        tuple(
            Block(block.dims, np.take(codes_of(block.codes), index, axis=block.dims.index(dim)))
            if dim in block.dims
            else block
            for block in label.blocks
        ),
        label.fixed,
    )


def selected(label: Label, dim: int, index: int) -> Label:
    """The label after picking one index along a dimension, which vanishes."""
    blocks = []
    for block in label.blocks:
        dims = tuple(each - (each > dim) for each in block.dims if each != dim)
        if dim not in block.dims:
            blocks.append(Block(dims, block.codes))
        elif dims:
            blocks.append(Block(dims, np.take(codes_of(block.codes), index, axis=block.dims.index(dim))))
    return Label(tuple(blocks), frozenset(each - (each > dim) for each in label.fixed if each != dim))


def spread(block: Block, dims: Sequence[int], shape: Sequence[int]) -> Codes:
    """The codes of a block over a superset of its dimensions, `dims` in rising order and of these sizes."""
    order = np.argsort(block.dims)
    codes = codes_of(block.codes).transpose(order)
    sizes = [size if dim in block.dims else 1 for dim, size in zip(dims, shape, strict=True)]
    return np.broadcast_to(codes.reshape(sizes), tuple(shape))


class _Segment(NamedTuple):
    """Neighbouring dimensions before and after a reshape that hold the same elements."""

    old: list[int]
    new: list[int]


def reshaped(label: Label, old: Sequence[int], new: Sequence[int]) -> tuple[Label, list[Block]]:
    """The label after a reshape, and the blocks that it tears apart or merges with others."""
    segments = _segments(old, new)
    home = {dim: number for number, segment in enumerate(segments) for dim in segment.old}
    taken_by: set[int] = set()
    blocks, lost = [], []
    for block in label.blocks:
        numbers = sorted({home[dim] for dim in block.dims})
        moved = _moved(block, [segments[number] for number in numbers], old, new)
        if moved is None or taken_by & set(numbers):
            lost.append(block)
        else:
            blocks.append(moved)
            taken_by.update(numbers)
    covered = {dim for block in blocks for dim in block.dims}
    fixed = {
        dim
        for segment in segments
        if any(each in label.fixed and old[each] > 1 for each in segment.old)
        for dim in segment.new
        if new[dim] > 1
    }
    return Label(tuple(blocks), frozenset(fixed - covered)), lost


def merges(block: Block, old: Sequence[int], new: Sequence[int]) -> bool:
    """Whether a reshape merges dimensions of the block with a later one on which the block does not lie."""
    merged = (segment.old for segment in _segments(old, new) if set(segment.old) & set(block.dims))
    return any(old[dim] > 1 and dim > min(block.dims) for dims in merged for dim in set(dims) - set(block.dims))


def _segments(old: Sequence[int], new: Sequence[int]) -> list[_Segment]:
    """The finest split of both shapes into neighbours of equal product."""
    segments: list[_Segment] = []
    i = j = 0
    while i < len(old) or j < len(new):
        segment = _Segment([], [])
        left = right = 1
        while not (left == right and (segment.old or segment.new)):
            if i < len(old) and (left < right or (left == right and not segment.old)):
                left *= old[i]
                segment.old.append(i)
                i += 1
            elif j < len(new):
                right *= new[j]
                segment.new.append(j)
                j += 1
            elif i < len(old):
                left *= old[i]
                segment.old.append(i)
                i += 1
            else:
                break
        segments.append(segment)
    return segments


def _moved(block: Block, segments: list[_Segment], old: Sequence[int], new: Sequence[int]) -> Block | None:
    before = [dim for segment in segments for dim in segment.old]
    after = [dim for segment in segments for dim in segment.new]
    wide = [([d for d in s.old if old[d] > 1], [d for d in s.new if new[d] > 1]) for s in segments]
    if all(len(ours) == len(theirs) == 1 for ours, theirs in wide):
        to = {ours[0]: theirs[0] for ours, theirs in wide}
        return Block(tuple(to[dim] for dim in block.dims), block.codes)
    if not after or math.prod(old[dim] for dim in before) > _LARGEST_BLOCK:
        return None
    codes = spread(block, before, [old[dim] for dim in before])
    return Block(tuple(after), codes.reshape([new[dim] for dim in after]))
