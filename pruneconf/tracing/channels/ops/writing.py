"""Writing into tensors, and through a range of a tensor into the whole of it."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from pruneconf.tracing.channels.labels import Block, Codes, Label, spread
from pruneconf.tracing.channels.operation import Channels, Operation, rule
from pruneconf.tracing.facts import Window


def note_slice(channels: Channels, op: Operation, dim: int, index: Codes) -> None:
    """Remember of which part of its source an output is a view."""
    base, picks = _window(channels, op.inputs[0])
    place = _open_dims(picks)[dim]
    before = picks[place]
    picked = index if before is None else np.asarray(before)[index]
    channels.facts.of(op.output).window = Window(base, (*picks[:place], picked, *picks[place + 1 :]))


def note_select(channels: Channels, op: Operation, dim: int, index: int) -> None:
    """Remember the same for a single index."""
    base, picks = _window(channels, op.inputs[0])
    place = _open_dims(picks)[dim]
    before = picks[place]
    picked = index if before is None else int(np.asarray(before)[index])
    channels.facts.of(op.output).window = Window(base, (*picks[:place], picked, *picks[place + 1 :]))


def _window(channels: Channels, tensor: Tensor) -> Window:
    return channels.facts.of(tensor).window or Window(tensor, (None,) * tensor.dim())


def _open_dims(picks: tuple[int | Codes | None, ...]) -> list[int]:
    """The dimensions of the whole that the part still has."""
    return [dim for dim, pick in enumerate(picks) if not isinstance(pick, int)]


@rule("copy")
def copy(channels: Channels, op: Operation) -> None:
    """The target becomes what the source is; if it is a view, that part of the whole does."""
    target, source = op["self"], op["src"]
    label = channels.aligned(source, target.dim())
    window = channels.facts.of(target).window
    channels.put(target, label)
    if window is not None:
        _write(channels, window, label)
    elif channels.facts.of(target).is_view:
        for block in label.blocks:
            channels.relations.pin(block.codes, "unknown", "copy")


def _write(channels: Channels, window: Window, label: Label) -> None:
    """Put the label of a part into that of the whole."""
    base, picks = window
    places = _open_dims(picks)
    partial = {dim for dim, pick in enumerate(picks) if pick is not None}
    whole = channels.label(base)
    for block in label.blocks:
        moved = Block(tuple(places[dim] for dim in block.dims), block.codes)
        old = [each for each in whole.blocks if set(each.dims) & set(moved.dims)]
        dims = sorted({*moved.dims, *(dim for each in old for dim in each.dims)})
        if len(old) > 1:
            channels.relations.pin(moved.codes, "unknown", "copy")
        elif partial & set(dims):
            others = tuple(each for each in whole.blocks if each not in old)
            whole = Label((*others, _patched(channels, window, moved, old, dims)), whole.fixed - set(dims))
        else:
            whole = channels.relations.merged([whole, Label((moved,))], "")
    fixed = frozenset(places[dim] for dim in label.fixed) - {dim for block in whole.blocks for dim in block.dims}
    channels.put(base, Label(whole.blocks, whole.fixed | fixed))


def _patched(channels: Channels, window: Window, block: Block, old: list[Block], dims: list[int]) -> Block:
    """The block of the whole, with the codes of the part in its place."""
    sizes = [window.base.shape[dim] for dim in dims]
    if old:
        codes = spread(old[0], dims, sizes).copy()
    else:
        codes = channels.relations.axis(math.prod(sizes)).codes().reshape(sizes)
    region = [_indices(window, dim) for dim in dims]
    codes[np.ix_(*region)] = spread(block, dims, [len(each) for each in region])
    return Block(tuple(dims), codes)


def _indices(window: Window, dim: int) -> Codes:
    pick = window.picks[dim]
    return np.arange(window.base.shape[dim]) if pick is None else np.atleast_1d(np.asarray(pick))
