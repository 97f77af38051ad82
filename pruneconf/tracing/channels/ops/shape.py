"""Operators that move, split and join dimensions without touching their elements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from pruneconf.tracing.channels.labels import (
    Block,
    Codes,
    Label,
    codes_of,
    merges,
    on,
    renamed,
    reshaped,
    selected,
    spread,
    taken,
    without,
)
from pruneconf.tracing.channels.operation import Channels, Operation, rule
from pruneconf.tracing.channels.ops.writing import note_select, note_slice


@rule("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "unflatten")
def view(channels: Channels, op: Operation) -> None:
    """Read the elements under another shape."""
    old, new = tuple(op.inputs[0].shape), tuple(op.output.shape)
    before = channels.label(op.inputs[0])
    label, lost = reshaped(before, old, new)
    # Channels that go with a head would lie on its dimension: these are of values that all heads share.
    shared = (block for block in before.blocks if channels.relations.stands_for_parts(block.codes))
    for block in (*lost, *(block for block in shared if merges(block, old, new))):
        channels.relations.pin(block.codes, "unknown", "view")
    channels.put(op.output, label)


def _move(channels: Channels, op: Operation, to: Mapping[int, int]) -> None:
    channels.put(op.output, renamed(channels.label(op.inputs[0]), to))


@rule("permute")
def permute(channels: Channels, op: Operation) -> None:
    """Put dimensions in another order."""
    count = op.inputs[0].dim()
    _move(channels, op, {dim % count: position for position, dim in enumerate(op["dims"])})


@rule("transpose", "swapaxes")
def transpose(channels: Channels, op: Operation) -> None:
    """Swap two dimensions."""
    one, other = op.dim("dim0"), op.dim("dim1")
    _move(channels, op, {dim: dim for dim in range(op.inputs[0].dim())} | {one: other, other: one})


@rule("t", "numpy_T", "mT", "adjoint")
def matrix_transpose(channels: Channels, op: Operation) -> None:
    """Swap the last two dimensions."""
    last = op.inputs[0].dim() - 1
    _move(channels, op, {dim: dim for dim in range(last + 1)} | ({last: last - 1, last - 1: last} if last > 0 else {}))


@rule("unsqueeze")
def unsqueeze(channels: Channels, op: Operation) -> None:
    """Put in a dimension of size one."""
    new = op.dim(of=op.output)
    _move(channels, op, {dim: dim + (dim >= new) for dim in range(op.inputs[0].dim())})


@rule("squeeze")
def squeeze(channels: Channels, op: Operation) -> None:
    """Take out dimensions of size one."""
    source = op.inputs[0]
    dims = op.arguments.get("dim")
    asked = range(source.dim()) if dims is None else [dims] if isinstance(dims, int) else dims
    gone = {dim % max(source.dim(), 1) for dim in asked}
    left = [dim for dim, size in enumerate(source.shape) if dim not in gone or size > 1]
    _move(channels, op, {dim: position for position, dim in enumerate(left)})


@rule("expand", "broadcast_to", "expand_as")
def expand(channels: Channels, op: Operation) -> None:
    """Repeat dimensions of size one; they have no channels."""
    channels.put(op.output, channels.aligned(op.inputs[0], op.output.dim()))


@rule("repeat", "tile")
def repeat(channels: Channels, op: Operation) -> None:
    """Repeat whole dimensions one after the other."""
    times = op.arguments.get("repeats") or op.arguments.get("dims") or []
    label = channels.aligned(op.inputs[0], op.output.dim())
    for dim in {dim for block in label.blocks for dim in block.dims}:
        size = op.output.shape[dim] // times[dim - op.output.dim()]
        label = taken(label, dim, np.tile(np.arange(size), times[dim - op.output.dim()]))
    channels.put(op.output, label)


@rule("cat", "concatenate", "concat")
def cat(channels: Channels, op: Operation) -> None:
    """Put tensors one after the other along a dimension, and side by side along all others."""
    tensors = [tensor for tensor in op["tensors"] if tensor.shape != (0,)]
    labels = [channels.label(tensor) for tensor in tensors]
    _join(channels, op, labels, [tuple(tensor.shape) for tensor in tensors], op.dim(of=op.output))


@rule("stack")
def stack(channels: Channels, op: Operation) -> None:
    """Put tensors one after the other along a new dimension."""
    dim = op.dim(of=op.output)
    labels, shapes = [], []
    for tensor in op["tensors"]:
        moved = renamed(channels.label(tensor), {each: each + (each >= dim) for each in range(tensor.dim())})
        blocks = tuple(
            Block((*block.dims, dim), np.expand_dims(codes_of(block.codes), len(block.dims))) for block in moved.blocks
        )
        labels.append(Label(blocks[:1], moved.fixed))
        shapes.append((*tensor.shape[:dim], 1, *tensor.shape[dim:]))
    _join(channels, op, labels, shapes, dim)


def _join(channels: Channels, op: Operation, labels: list[Label], shapes: Sequence[Sequence[int]], dim: int) -> None:
    relations = channels.relations
    beside = relations.merged([without(label, dim) for label in labels], op.name)
    along = [on(label, dim) for label in labels]
    if any(dim in label.fixed for label in labels):
        for block in (block for blocks in along for block in blocks):
            relations.pin(block.codes, "input")
        channels.put(op.output, Label(beside.blocks, beside.fixed | {dim}))
        return
    dims = sorted({each for blocks in along for block in blocks for each in block.dims})
    if not dims:
        channels.put(op.output, beside)
        return
    if {each for block in beside.blocks for each in block.dims} & set(dims):
        for block in (block for blocks in along for block in blocks):
            relations.pin(block.codes, "unknown", op.name)
        channels.put(op.output, beside)
        return
    parts = [_part(channels, blocks, dims, shape) for blocks, shape in zip(along, shapes, strict=True)]
    block = Block(tuple(dims), np.concatenate(parts, axis=dims.index(dim)))
    channels.put(op.output, Label((*beside.blocks, block), beside.fixed - set(dims)))


def _part(channels: Channels, blocks: tuple[Block, ...], dims: list[int], shape: Sequence[int]) -> Codes:
    """The codes of one part of a concatenation; a part without channels gets some of its own."""
    sizes = [shape[dim] for dim in dims]
    if blocks:
        return spread(blocks[0], dims, sizes)
    return channels.relations.axis(math.prod(sizes)).codes().reshape(sizes)


@rule("split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes", "chunk", "unsafe_chunk", "tensor_split")
def split(channels: Channels, op: Operation) -> None:
    """Cut a dimension into pieces."""
    dim, start = op.dim(), 0
    for output in op.outputs:
        size = output.shape[dim]
        channels.put(output, taken(channels.label(op.inputs[0]), dim, np.arange(start, start + size)))
        start += size


@rule("unbind")
def unbind(channels: Channels, op: Operation) -> None:
    """Take a dimension apart, index by index."""
    for index, output in enumerate(op.outputs):
        channels.put(output, selected(channels.label(op.inputs[0]), op.dim(), index))


@rule("select")
def select(channels: Channels, op: Operation) -> None:
    """Pick one index of a dimension."""
    source, dim = op.inputs[0], op.dim()
    index = int(op["index"]) % source.shape[dim]
    note_select(channels, op, dim, index)
    channels.put(op.output, selected(channels.label(source), dim, index))


@rule("slice")
def slice_(channels: Channels, op: Operation) -> None:
    """Pick a range of a dimension."""
    source, dim = op.inputs[0], op.dim()
    index = np.arange(source.shape[dim])[slice(op["start"], op["end"], op["step"])]
    note_slice(channels, op, dim, index)
    label = channels.label(source)
    channels.put(op.output, label if len(index) == source.shape[dim] else taken(label, dim, index))


@rule("glu")
def glu(channels: Channels, op: Operation) -> None:
    """Gate the first half of a dimension with the second."""
    source, dim = op.inputs[0], op.dim()
    half = source.shape[dim] // 2
    halves = [taken(channels.label(source), dim, np.arange(start, start + half)) for start in (0, half)]
    channels.put(op.output, channels.relations.merged(halves, "glu"))


@rule("narrow")
def narrow(channels: Channels, op: Operation) -> None:
    """Pick a range of a dimension, by start and length."""
    start = int(op["start"])
    index = np.arange(start, start + int(op["length"]))
    channels.put(op.output, taken(channels.label(op.inputs[0]), op.dim(), index))


@rule("roll")
def roll(channels: Channels, op: Operation) -> None:
    """Rotate dimensions."""
    source, label = op.inputs[0], channels.label(op.inputs[0])
    for shift, dim in zip(op["shifts"], op["dims"], strict=False):
        label = taken(label, dim % source.dim(), np.roll(np.arange(source.shape[dim]), shift))
    channels.put(op.output, label)


@rule("flip")
def flip(channels: Channels, op: Operation) -> None:
    """Turn dimensions around."""
    source, label = op.inputs[0], channels.label(op.inputs[0])
    for dim in op["dims"]:
        label = taken(label, dim % source.dim(), np.arange(source.shape[dim])[::-1])
    channels.put(op.output, label)


@rule("constant_pad_nd")
def pad(channels: Channels, op: Operation) -> None:
    """Put constants around; along a dimension of channels they are channels of their own."""
    source, label = op.inputs[0], channels.label(op.inputs[0])
    amounts = list(op["pad"])
    blocks = []
    for block in label.blocks:
        codes = codes_of(block.codes)
        for position, dim in enumerate(block.dims):
            before, after = _padding(amounts, source, dim)
            codes = codes.take(range(max(0, -before), codes.shape[position] - max(0, -after)), axis=position)
            parts = [_constant(channels, codes, position, before), codes, _constant(channels, codes, position, after)]
            codes = np.concatenate(parts, axis=position)
        blocks.append(Block(block.dims, codes))
    channels.put(op.output, Label(tuple(blocks), label.fixed))


def _padding(amounts: list[int], source: Tensor, dim: int) -> tuple[int, int]:
    pair = 2 * (source.dim() - 1 - dim)
    return (amounts[pair], amounts[pair + 1]) if pair + 1 < len(amounts) else (0, 0)


def _constant(channels: Channels, codes: Codes, position: int, size: int) -> Codes:
    shape = list(codes.shape)
    shape[position] = max(size, 0)
    return channels.relations.axis(math.prod(shape)).codes().reshape(shape)


@rule("unfold")
def unfold(channels: Channels, op: Operation) -> None:
    """Read a dimension as windows; it becomes two."""
    dim = int(op["dimension"]) % max(op.inputs[0].dim(), 1)
    label = channels.label(op.inputs[0])
    channels.put(op.output, Label(without(label, dim).blocks, label.fixed | {op.inputs[0].dim()}))


@rule("im2col")
def im2col(channels: Channels, op: Operation) -> None:
    """Read an image as columns: each channel once per place in the window."""
    window = math.prod(op["kernel_size"])
    blocks = [block for block in channels.label(op.inputs[0]).blocks if block.dims == (1,)]
    repeated = tuple(Block((1,), np.repeat(codes_of(block.codes), window)) for block in blocks)
    channels.put(op.output, Label(repeated, frozenset({0, 2})))


@rule("pixel_shuffle")
def pixel_shuffle(channels: Channels, op: Operation) -> None:
    """Turn channels into places: those that make one output channel belong together."""
    last = op.inputs[0].dim() - 1
    fixed = channels.label(op.inputs[0]).fixed | {last, last - 1}
    blocks = [block for block in channels.label(op.inputs[0]).blocks if block.dims == (last - 2,)]
    made = []
    for block in blocks:
        rows = codes_of(block.codes).reshape(-1, op["upscale_factor"] ** 2)
        channels.relations.tie(np.repeat(rows[:, :1], rows.shape[1], axis=1), rows, "pixel_shuffle")
        made.append(Block((last - 2,), rows[:, 0].copy()))
    channels.put(op.output, Label(tuple(made), fixed - {last - 2}))


@rule("native_channel_shuffle", "channel_shuffle")
def channel_shuffle(channels: Channels, op: Operation) -> None:
    """Deal the channels of each group out in turn."""
    count = op.inputs[0].shape[1]
    order = np.arange(count).reshape(op["groups"], -1).T.ravel()
    channels.put(op.output, taken(channels.label(op.inputs[0]), 1, order))


@rule("view_as_complex")
def view_as_complex(channels: Channels, op: Operation) -> None:
    """Read pairs as complex numbers: the two of a pair belong together."""
    label, last = channels.label(op.inputs[0]), op.inputs[0].dim() - 1
    for block in on(label, last):
        codes = np.moveaxis(codes_of(block.codes), block.dims.index(last), -1)
        channels.relations.tie(codes[..., 0], codes[..., 1], "view_as_complex")
    channels.put(op.output, selected(label, last, 0))


@rule("view_as_real")
def view_as_real(channels: Channels, op: Operation) -> None:
    """Read complex numbers as pairs: a dimension of two is added."""
    channels.put(op.output, channels.label(op.inputs[0]))


@rule("diagonal")
def diagonal(channels: Channels, op: Operation) -> None:
    """Walk two dimensions at once; what lies on them is lost, what does not stays."""
    source = op.inputs[0]
    walked = {op.dim("dim1"), op.dim("dim2")}
    left = [dim for dim in range(source.dim()) if dim not in walked]
    for block in channels.label(source).blocks:
        if walked & set(block.dims):
            channels.relations.pin(block.codes, "unknown", "diagonal")
    _move(channels, op, {dim: position for position, dim in enumerate(left)})


@rule("as_strided")
def as_strided(channels: Channels, op: Operation) -> None:
    """Read memory in any way; only the same shape is understood."""
    label = channels.label(op.inputs[0])
    if op.output.shape == op.inputs[0].shape:
        channels.put(op.output, label)
        return
    for block in label.blocks:
        channels.relations.pin(block.codes, "unknown", "as_strided")
