"""Products: sums over a dimension that both factors have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pruneconf.graph import Side
from pruneconf.tracing.channels.labels import Axis, Block, Codes, Label, codes_of, on, renamed, without
from pruneconf.tracing.channels.operation import Channels, Operation, rule

_SUMMED = -1
"""Stands for the summed dimension where the blocks of both factors are compared."""


class _Factor:
    """One side of a product: a tensor, the dimension that is summed, and where its other dimensions go."""

    def __init__(self, channels: Channels, tensor: Tensor, summed: int, to: Mapping[int, int]) -> None:
        self.to = dict(to)
        self.shape = tensor.shape
        self.summed = summed
        for dim in self.to:
            channels.role(tensor, dim, Side.OUT)
        channels.role(tensor, summed, Side.IN)
        label = channels.label(tensor)
        reach = {*self.to, summed}
        self.label = Label(tuple(block for block in label.blocks if set(block.dims) <= reach), label.fixed)

    def kept(self) -> Label:
        """What goes to the output as it is."""
        return renamed(without(self.label, self.summed), self.to)

    def met(self) -> tuple[Block, ...]:
        """The block on the summed dimension, in terms of output dimensions and `_SUMMED`."""
        names = {**self.to, self.summed: _SUMMED}
        return tuple(Block(tuple(names[dim] for dim in b.dims), b.codes) for b in on(self.label, self.summed))

    def sizes(self) -> dict[int, int]:
        return {**{there: self.shape[dim] for dim, there in self.to.items()}, _SUMMED: self.shape[self.summed]}


def _product(channels: Channels, one: _Factor, other: _Factor) -> Label:
    """Tie the channels that are multiplied, and label what the product has of both factors.

    A factor whose summed channels also lie on kept dimensions leaves a part for each of those: a head for its channels.
    """
    relations = channels.relations
    mine, theirs = one.met(), other.met()
    relations.met(mine, theirs, "")
    for blocks, factor in ((mine, other), (theirs, one)):
        if factor.summed in factor.label.fixed:
            for block in blocks:
                relations.pin(block.codes, "input")
    blocks = relations.met(one.kept().blocks, other.kept().blocks, "")
    blocks = relations.met(blocks, [*_parts(channels, mine, one), *_parts(channels, theirs, other)], "")
    fixed = one.kept().fixed | other.kept().fixed
    return Label(tuple(block for block in blocks if not fixed & set(block.dims)), fixed)


def _parts(channels: Channels, blocks: tuple[Block, ...], factor: _Factor) -> list[Block]:
    found = []
    for block in blocks:
        if kept := sorted(dim for dim in block.dims if dim != _SUMMED):
            part = channels.relations.projected(block, kept, factor.sizes())
            channels.relations.limit(codes_of(block.codes), "attention-heads", _distinct(part))
            found.append(part)
    return found


def _distinct(block: Block) -> int:
    return len(np.unique(codes_of(block.codes)))


def _add_bias(channels: Channels, output: Tensor, bias: Tensor | None) -> None:
    if bias is not None:
        labels = [channels.label(output), channels.aligned(bias, output.dim())]
        channels.put(output, channels.relations.merged(labels, ""))


@rule("mm")
def mm(channels: Channels, op: Operation) -> None:
    """Matrix times matrix."""
    one = _Factor(channels, op.inputs[0], 1, {0: 0})
    other = _Factor(channels, op.inputs[1], 0, {1: 1})
    channels.put(op.output, _product(channels, one, other))


@rule("addmm", "addmv", "addbmm")
def addmm(channels: Channels, op: Operation) -> None:
    """Bias plus matrix times matrix."""
    bias, matrix, factor = op.inputs
    one = _Factor(channels, matrix, 1, {0: 0})
    other = _Factor(channels, factor, 0, {1: 1} if factor.dim() > 1 else {})
    channels.put(op.output, _product(channels, one, other))
    _add_bias(channels, op.output, bias)


@rule("mv")
def mv(channels: Channels, op: Operation) -> None:
    """Matrix times vector."""
    one, other = _Factor(channels, op.inputs[0], 1, {0: 0}), _Factor(channels, op.inputs[1], 0, {})
    channels.put(op.output, _product(channels, one, other))


@rule("dot", "vdot")
def dot(channels: Channels, op: Operation) -> None:
    """Vector times vector."""
    one, other = _Factor(channels, op.inputs[0], 0, {}), _Factor(channels, op.inputs[1], 0, {})
    channels.put(op.output, _product(channels, one, other))


@rule("bmm", "baddbmm")
def bmm(channels: Channels, op: Operation) -> None:
    """A batch of matrices times a batch of matrices."""
    *bias, first, second = op.inputs
    one = _Factor(channels, first, 2, {0: 0, 1: 1})
    other = _Factor(channels, second, 1, {0: 0, 2: 2})
    channels.put(op.output, _product(channels, one, other))
    _add_bias(channels, op.output, bias[0] if bias else None)


@rule("_grouped_mm")
def grouped_mm(channels: Channels, op: Operation) -> None:
    """Rows times one of several matrices each: experts."""
    rows, matrices = op["self"], op["mat2"]
    if rows.dim() == 2 and matrices.dim() == 3:  # noqa: PLR2004
        one = _Factor(channels, rows, 1, {0: 0})
        other = _Factor(channels, matrices, 1, {2: 1})
        channels.put(op.output, _product(channels, one, other))


@rule("linear")
def linear(channels: Channels, op: Operation) -> None:
    """Rows times a transposed weight, plus bias."""
    source, weight = op["input"], op["weight"]
    last = source.dim() - 1
    one = _Factor(channels, source, last, {dim: dim for dim in range(last)})
    channels.put(op.output, _product(channels, one, _Factor(channels, weight, 1, {0: last})))
    _add_bias(channels, op.output, op["bias"])


@rule("scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu")
@rule("_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention")
@rule("_scaled_dot_product_fused_attention_overrideable", "_scaled_dot_product_attention_math_for_mps")
def attention(channels: Channels, op: Operation) -> None:
    """Queries times keys, softmax, times values."""
    query, key, value = op["query"], op["key"], op["value"]
    last = query.dim() - 1
    heads = {dim: dim for dim in range(last - 1)}
    scores = torch.empty(*query.shape[:-1], key.shape[-2], device="meta")
    one = _Factor(channels, query, last, {**heads, last - 1: last - 1})
    other = _Factor(channels, key, last, {**heads, last - 1: last})
    channels.put(scores, _product(channels, one, other))
    one = _Factor(channels, scores, last, {**heads, last - 1: last - 1})
    other = _Factor(channels, value, last - 1, {**heads, last: last})
    channels.put(op.output, _product(channels, one, other))


@rule("convolution", "mkldnn_convolution", "cudnn_convolution", "conv2d", "conv1d", "conv3d", "_convolution")
def convolution(channels: Channels, op: Operation) -> None:
    """A convolution of any number of dimensions, transposed, grouped or depthwise."""
    source, weight, groups = op["input"], op["weight"], int(op["groups"])
    transposed = bool(op.arguments.get("transposed", False))
    made, read = (1, 0) if transposed else (0, 1)
    if groups > 1:
        blocks = _grouped(channels, op, source, weight, groups, transposed=transposed)
    else:
        channels.role(weight, made, Side.OUT)
        channels.role(weight, read, Side.IN)
        _read(channels, source, weight, read)
        blocks = tuple(Block((1,), block.codes) for block in _along(channels.label(weight), made))
    fixed = channels.label(source).fixed - {1}
    bias = op.arguments.get("bias")
    if bias is not None and blocks:
        blocks = channels.relations.met(blocks, [Block((1,), b.codes) for b in channels.label(bias).blocks], "")
    channels.put(op.output, Label(blocks, fixed))


def _along(label: Label, dim: int) -> tuple[Block, ...]:
    return tuple(block for block in label.blocks if block.dims == (dim,))


def _read(channels: Channels, source: Tensor, weight: Tensor, read: int) -> None:
    """Tie the channels of the source to those that the weight reads."""
    label = channels.label(source)
    for wanted in _along(channels.label(weight), read):
        channels.relations.met(on(label, 1), [Block((1,), wanted.codes)], "")
        if 1 in label.fixed:
            channels.relations.pin(wanted.codes, "input")


def _grouped(
    channels: Channels, op: Operation, source: Tensor, weight: Tensor, groups: int, *, transposed: bool
) -> tuple[Block, ...]:
    """The output blocks of a convolution in groups, each of which reads its own run of channels.

    The weight counts the channels within a group, so that the same channel of every group is one. In a depthwise
    convolution a filter and the channel that it reads are one.
    """
    count, label, relations = source.shape[1], channels.label(source), channels.relations
    entering = on(label, 1)
    rows = _along(channels.label(weight), 0)
    columns = _along(channels.label(weight), 1)
    channels.role(weight, 0, Side.OUT if groups == count or not transposed else Side.IN)
    channels.role(weight, 1, Side.OUT if transposed else Side.IN)
    for block in entering if len(entering[0].dims if entering else ()) > 1 else ():
        relations.pin(block.codes, "unknown", "convolution")
    plain = [block.codes for block in entering if len(block.dims) == 1]
    if groups == count:
        return _depthwise(channels, op, plain, rows, fixed=1 in label.fixed)
    if transposed:
        for block in (*entering, *rows, *columns):
            relations.pin(block.codes, "unknown", "conv_transpose")
        return ()
    for codes in plain:
        for column in columns:
            runs = codes_of(codes).reshape(groups, -1)
            relations.tie(runs, np.broadcast_to(codes_of(column.codes), runs.shape), "grouped convolution")
    for row in rows:
        relations.limit(row.codes, "grouped-convolution", groups)
    return tuple(Block((1,), row.codes) for row in rows)


def _depthwise(
    channels: Channels, op: Operation, plain: list[Axis | Codes], rows: tuple[Block, ...], *, fixed: bool
) -> tuple[Block, ...]:
    relations, count = channels.relations, op.output.shape[1]
    made = []
    for row in rows:
        size = len(codes_of(row.codes))
        for codes in plain:
            read = codes if size == len(codes_of(codes)) else np.repeat(codes_of(codes), size // len(codes_of(codes)))
            relations.tie(read, row.codes, "depthwise convolution")
        if fixed:
            relations.pin(row.codes, "input")
        if size == count:
            made.append(Block((1,), row.codes))
    return tuple(made)
