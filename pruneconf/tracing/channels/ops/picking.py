"""Operators that pick or place elements by index tensors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pruneconf.graph import Side
from pruneconf.tracing.channels.labels import (
    Block,
    Codes,
    Label,
    fixing,
    on,
    renamed,
    selected,
    shifted,
    taken,
    without,
)
from pruneconf.tracing.channels.operation import Channels, Operation, rule

_MASKS = (torch.bool, torch.uint8)


@rule("index", "_unsafe_index")
def index(channels: Channels, op: Operation) -> None:
    """Pick by index tensors. A known index along one dimension moves channels; any other keeps the rest."""
    indices = list(op["indices"])
    used = [dim for dim, each in enumerate(indices) if each is not None]
    if len(used) == 1 and indices[used[0]].dtype not in _MASKS:
        channels.put(op.output, _along_one(channels, op, used[0], indices[used[0]]))
    else:
        channels.put(op.output, _along_several(channels, op, indices, used))


def _along_one(channels: Channels, op: Operation, dim: int, picked: Tensor) -> Label:
    label, value = channels.label(op.inputs[0]), channels.facts.value(picked)
    if value is not None and picked.dim() == 1:
        return taken(label, dim, _codes(value))
    if picked.dim() == 0 and on(label, dim):
        return selected(label, dim, 0)  # one expert, whichever it is, stands for all
    to = {each: each if each < dim else each + picked.dim() - 1 for each in range(op.inputs[0].dim()) if each != dim}
    fixed = frozenset(dim + each for each in channels.label(picked).fixed)
    result = renamed(label, to)
    return Label(result.blocks, result.fixed | fixed)


def _along_several(channels: Channels, op: Operation, indices: list[Tensor | None], used: list[int]) -> Label:
    source, first = op.inputs[0], used[0]
    tensors = [each for each in indices if each is not None]
    masked = any(each.dtype in _MASKS for each in tensors)
    width = sum(each.dim() if each.dtype in _MASKS else 1 for each in tensors)
    end = first + width if masked else max(used) + 1
    by = op.output.dim() - source.dim()
    to = {dim: dim + by if dim >= end else dim for dim in range(source.dim()) if dim < first or dim >= end}
    result = renamed(channels.label(source), to)
    return fixing(result, set(range(first, op.output.dim() - (source.dim() - end))))


@rule("index_select")
def index_select(channels: Channels, op: Operation) -> None:
    """Pick along one dimension."""
    dim, value = op.dim(), channels.facts.value(op["index"])
    label = channels.label(op.inputs[0])
    if value is None:
        channels.put(op.output, Label(without(label, dim).blocks, label.fixed | {dim}))
    else:
        channels.put(op.output, taken(label, dim, _codes(value)))


@rule("index_add", "index_copy")
def index_add(channels: Channels, op: Operation) -> None:
    """Add rows to rows picked along one dimension."""
    dim = op.dim()
    labels = [channels.label(op["self"]), without(channels.label(op["source"]), dim)]
    label = channels.relations.merged(labels, op.name.rstrip("_"))
    for output in op.outputs:
        channels.put(output, label)


@rule("index_put", "_index_put_impl", "_unsafe_index_put")
def index_put(channels: Channels, op: Operation) -> None:
    """Place values at indices; the dimensions behind the indices are tied."""
    target, values = op["self"], op["values"]
    behind = len(op["indices"])
    label = shifted(channels.label(values), target.dim() - values.dim())
    blocks = tuple(block for block in label.blocks if min(block.dims) >= behind)
    merged = channels.relations.merged([channels.label(target), Label(blocks)], "index_put")
    for output in op.outputs:
        channels.put(output, merged)


@rule("slice_scatter", "select_scatter")
def slice_scatter(channels: Channels, op: Operation) -> None:
    """Replace a range; the other dimensions are tied."""
    dim = op.dim()
    source = without(channels.label(op["src"]), dim) if op.name == "slice_scatter" else Label()
    channels.put(op.output, channels.relations.merged([channels.label(op["self"]), source], op.name))


@rule("gather")
def gather(channels: Channels, op: Operation) -> None:
    """Pick along one dimension, for each index of the others."""
    source, dim = op.inputs[0], op.dim()
    label = channels.label(source)
    same = {each for each in range(source.dim()) if source.shape[each] == op.output.shape[each]}
    blocks = tuple(block for block in without(label, dim).blocks if set(block.dims) <= same)
    channels.put(op.output, Label(blocks, label.fixed | {dim}))


@rule("topk", "sort", "repeat_interleave", "unique_dim")
def rank(channels: Channels, op: Operation) -> None:
    """Order or pick by values: along that dimension no channel can be told from another."""
    dims = op.arguments.get("dim")
    dim = (-1 if dims is None else dims) % max(op.inputs[0].dim(), 1)
    label = channels.label(op.inputs[0])
    for block in on(label, dim):
        channels.relations.pin(block.codes, "unknown", op.name)
    for output in op.outputs:
        channels.put(output, Label(without(label, dim).blocks, label.fixed | {dim}))


@rule("embedding")
def embedding(channels: Channels, op: Operation) -> None:
    """Pick rows of a table: its columns are the channels."""
    weight, indices = op["weight"], op["indices"]
    last = op.output.dim() - 1
    blocks = tuple(Block((last,), block.codes) for block in channels.label(weight).blocks if block.dims == (1,))
    channels.role(weight, 1, Side.OUT)
    channels.put(op.output, Label(blocks, channels.label(indices).fixed))


@rule("_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(channels: Channels, op: Operation) -> None:
    """Sum rows of a table."""
    channels.role(op["weight"], 1, Side.OUT)
    blocks = tuple(block for block in channels.label(op["weight"]).blocks if block.dims == (1,))
    channels.put(op.output, Label(blocks, frozenset({0})))


def _codes(index_values: Tensor) -> Codes:
    return index_values.detach().cpu().numpy().astype(np.int64)
