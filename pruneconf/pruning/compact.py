"""Cut masked channels out of a model, and prove that what is left computes the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from pruneconf.errors import PruneconfError
from pruneconf.graph import ModelGraph, Side
from pruneconf.plan import ChannelSet, Plan
from pruneconf.pruning.floats import Bools
from pruneconf.pruning.resize import fit
from pruneconf.pruning.strips import Strip, strips
from pruneconf.pruning.tensors import kind_of

Run = Callable[[nn.Module], Any]
"""Runs a model on example inputs, and returns its outputs."""

_ULPS, _LOOSEST = 1000, 0.05
"""How far outputs may differ: in units in the last place of their dtype, and at most, both of the largest output."""


@dataclass(frozen=True, slots=True, eq=False)
class Compact:
    """A model without its masked channels.

    `difference` is the largest between its outputs and the masked model's, as a share of the largest output. `left`
    has the layers whose masked channels could not be cut out, and why.
    """

    model: nn.Module
    difference: float
    left: tuple[tuple[tuple[str, ...], str], ...]

    @property
    def parameters(self) -> int:
        """How many elements all parameters have."""
        return sum(parameter.numel() for parameter in self.model.parameters())


class _Piece(NamedTuple):
    """A set of which channels are masked, and all tensors with a part in them."""

    channels: ChannelSet
    units: Bools
    strips: tuple[Strip, ...]


def compact(model: nn.Module, plan: Plan, masks: Mapping[str, Tensor], run: Run) -> Compact:
    """A smaller copy of a model that `prune` masked: without the masked channels, and what else goes along with them.

    `plan` must be coupled, `masks` are what `prune` returned. The copy has the same modules with smaller tensors and
    the sizes that follow from them (`out_channels`, `num_features`, ...). `run(model)` calls a model on example inputs:
    the copy's outputs must equal the masked model's up to rounding, in evaluation mode. Channels for which they do not
    stay in, and `left` says so. Raises PruneconfError where nothing can be cut out.
    """
    if not plan.coupled:
        raise PruneconfError("only coupled channels can be cut out; make the plan with `coupled=True`")
    pieces = list(_pieces(model, plan, masks))
    if not pieces:
        raise PruneconfError("no channels are masked that could be cut out; raise the ratios, or leave compacting out")
    training = {module: module.training for module in model.modules()}
    try:
        expected = _outputs(model, run)
        return _proven(model, plan.graph, pieces, run, expected)
    finally:
        for module, was in training.items():
            module.training = was


def _proven(
    model: nn.Module, graph: ModelGraph, pieces: Sequence[_Piece], run: Run, expected: Sequence[Tensor]
) -> Compact:
    """All pieces cut out; where that fails, one after the other, without those that fail."""
    smaller = _without(model, graph, pieces)
    why, difference = _compare(smaller, run, expected)
    if not why:
        return Compact(smaller, difference, ())
    cut: list[_Piece] = []
    left = []
    for piece in pieces:
        reason, _ = _compare(_without(model, graph, [*cut, piece]), run, expected)
        if reason:
            names = tuple(layer.name for layer in piece.channels.layers)
            left.append((names, _norm_over(piece, graph) or _reader_of_more(piece, graph, model, run) or reason))
        else:
            cut.append(piece)
    if not cut:
        raise PruneconfError(f"no channels can be cut out of the model: `{left[0][0][0]}` stays, because {left[0][1]}")
    smaller = _without(model, graph, cut)
    return Compact(smaller, _compare(smaller, run, expected)[1], tuple(left))


def _pieces(model: nn.Module, plan: Plan, masks: Mapping[str, Tensor]) -> Iterator[_Piece]:
    tensors = {**dict(model.named_parameters(remove_duplicate=False)), **dict(model.named_buffers())}
    kinds = {name: kind_of(tensor) for name, tensor in tensors.items()}
    for each in plan.channel_sets:
        parts = tuple(strips(plan.graph, each.channels, kinds, *Side))
        units = np.ones(each.channels.units, np.bool_)
        for strip in parts:
            if strip.side is Side.IN:
                continue
            if strip.key not in masks:
                raise PruneconfError(
                    f"there is no mask of `{strip.key}`; take the masks that `prune` made of this plan"
                )
            kept = masks[strip.key].cpu().movedim(strip.axis, 0).reshape(strip.shape[strip.axis], -1).any(dim=1).numpy()
            units[strip.first : strip.first + len(strip.channels)] &= ~kept[strip.channels].any(axis=1)
        if units.any():
            yield _Piece(each, units, parts)


def _without(model: nn.Module, graph: ModelGraph, pieces: Sequence[_Piece]) -> nn.Module:
    """A copy of the model without the masked channels of these pieces."""
    smaller = deepcopy(model)
    named = {**dict(smaller.named_parameters(remove_duplicate=False)), **dict(smaller.named_buffers())}
    gone: dict[tuple[str, int], Bools] = {}
    for piece in pieces:
        for strip in piece.strips:
            for name in (*strip.names, *_beside(smaller, graph, strip)):
                axis = strip.axis if name in strip.names else 0
                lost = gone.setdefault((name, axis), np.zeros(named[name].shape[axis], np.bool_))
                lost[strip.lost(piece.units)] = True
    tensors: dict[str, Tensor] = {}
    for (name, axis), lost in gone.items():
        whole = tensors.get(name, named[name].detach())
        tensors[name] = whole.index_select(axis, torch.from_numpy(np.flatnonzero(~lost)).to(whole.device))
    fit(smaller, tensors)
    return smaller


def _beside(model: nn.Module, graph: ModelGraph, strip: Strip) -> Iterator[str]:
    """The buffers of a norm that have an element for each channel, such as running means."""
    layer = graph.by_name.get(strip.owner)
    if strip.side is Side.THROUGH and layer is not None:
        for name, buffer in model.get_submodule(layer.name).named_buffers(layer.name, recurse=False):
            if buffer.shape == strip.shape:
                yield name


def _outputs(model: nn.Module, run: Run) -> list[Tensor]:
    model.eval()
    with torch.no_grad():
        leaves = tree_leaves(run(model))
    return [leaf.double() for leaf in leaves if isinstance(leaf, Tensor) and leaf.is_floating_point()]


def _compare(smaller: nn.Module, run: Run, expected: Sequence[Tensor]) -> tuple[str, float]:
    """Why a model does not compute what is expected, empty where it does, and the largest difference."""
    try:
        found = _outputs(smaller, run)
    except PruneconfError as error:
        return f"the smaller model does not run ({error}), perhaps for a size in its code", 0.0
    except Exception as error:  # noqa: BLE001 - whatever the user's forward pass raises
        first = (str(error).splitlines() or [""])[0]
        return f"the smaller model does not run ({type(error).__name__}: {first}), perhaps for a size in its code", 0.0
    if [each.shape for each in found] != [each.shape for each in expected]:
        return "the smaller model's outputs have other shapes", 0.0
    difference = max((_distance(*pair) for pair in zip(found, expected, strict=True)), default=0.0)
    precision = max(
        (torch.finfo(each.dtype).eps for each in smaller.parameters() if each.is_floating_point()), default=0
    )
    if not difference <= min(_ULPS * precision, _LOOSEST):
        why = f"the smaller model's outputs differ by {difference:.2g} of the largest, perhaps for a size in its code"
        return why, difference
    return "", difference


def _distance(found: Tensor, expected: Tensor) -> float:
    if not expected.numel():
        return 0.0
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=torch.finfo(torch.float32).tiny))


def _norm_over(piece: _Piece, graph: ModelGraph) -> str:
    """The norm that takes its statistics over channels, masked ones too, if there is one."""
    for name in piece.channels.channels.layers(Side.THROUGH):
        kind = graph.by_name[name].type if name in graph.by_name else ""
        if any(word in kind for word in ("LayerNorm", "GroupNorm", "RMSNorm")):
            return f"`{name}` is a `{kind}`, which takes its statistics over masked channels too"
    return ""


def _reader_of_more(piece: _Piece, graph: ModelGraph, model: nn.Module, run: Run) -> str:
    """The first layer that reads anything but zeros from the masked channels, if there is one."""
    found: list[str] = []
    handles = [
        model.get_submodule(strip.owner).register_forward_pre_hook(_watch(strip, piece.units, found))
        for strip in piece.strips
        if strip.side is Side.IN and strip.owner in graph.by_name
    ]
    try:
        _outputs(model, run)
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        return ""
    return f"`{found[0]}` reads more than zeros from its masked channels: what stands between does not keep zeros"


def _watch(strip: Strip, units: Bools, found: list[str]) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    """A hook that adds the strip's layer to `found` where its masked input channels are not zero."""
    axis = 1 - len(strip.shape)  # of the input: what a weight has behind its two axes of channels, or the last one
    lost = torch.from_numpy(strip.lost(units))

    def look(_module: nn.Module, args: tuple[Any, ...]) -> None:
        whole = args[0] if args and isinstance(args[0], Tensor) else None
        if whole is None or whole.dim() < -axis or whole.shape[axis] != strip.shape[strip.axis]:
            return  # called in a way of its own, or grouped
        if whole.index_select(axis, lost.to(whole.device)).any():
            found.append(strip.owner)

    return look
