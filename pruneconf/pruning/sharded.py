"""Prune a model whose weights are spread over processes as DTensors, as `fully_shard` (FSDP2) leaves them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import prod

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.cuts import Cut
from pruneconf.pruning.floats import Elements, Weights
from pruneconf.pruning.level import level, pruned
from pruneconf.pruning.masks import mask_in_place
from pruneconf.pruning.pieces import Share, part
from pruneconf.pruning.team import Team
from pruneconf.pruning.tensors import as_mask, weights_of, write_back
from pruneconf.pruning.workers import Workers


def prune_sharded(plan: Plan, tensors: Mapping[str, torch.Tensor], masks: str) -> dict[str, torch.Tensor]:
    """As `prune`, for tensors by parameter of which some are DTensors; every process of the default group calls it.

    Each looks at its own shards and changes those, where they are; no weights are exchanged. The masks are DTensors
    placed as their weights are. Other tensors are the same in all processes. Raises PruneconfError in all processes
    alike.
    """
    if plan.structured or masks == "packed":
        what = f"the pruner `{plan.pruner}`" if plan.structured else "`packed` masks"
        raise PruneconfError(f"{what} cannot be had for sharded weights (DTensor), only `level` with `bool` masks")
    for name, tensor in tensors.items():
        _reject_placements(name, tensor)
    layers, workers = pruned(plan), Workers(torch.get_num_threads())
    team = Team(dist.get_rank(), dist.get_world_size())
    parts = {name: _local(tensor) for name, tensor in tensors.items()}
    weights = {name: weights_of(layers[name], tensor) for name, tensor in parts.items()}
    shares = {name: _share(weights[name], tensor, team) for name, tensor in tensors.items()}
    cuts = level(plan, shares, workers, team)
    own = [_own(cuts[name], tensor) for name, tensor in tensors.items()]
    flat = dict(zip(weights, mask_in_place(list(weights.values()), own, masks, workers), strict=True))
    for name, tensor in tensors.items():
        write_back(parts[name], weights[name])
        torch.autograd.graph.increment_version(tensor)
    return {
        name: _like(tensors[name], as_mask(mask, parts[name], masks)) for name, mask in flat.items() if mask is not None
    }


def _own(cut: Cut, tensor: torch.Tensor) -> Cut:
    """A layer's cut by the indices of the part that this process has, whose elements are in the layer's order."""
    return replace(cut, stop=sum(min(max(cut.stop - start, 0), run.stop - run.start) for start, run in _runs(tensor)))


def _share(weights: Weights, tensor: torch.Tensor, team: Team) -> Share:
    """What this process counts of a tensor: of copies, only the first does."""
    counts = team.leads
    if isinstance(tensor, DTensor):
        coordinate = tensor.device_mesh.get_coordinate()
        copies = [isinstance(placement, Replicate) for placement in tensor.placements]
        counts = coordinate is not None and not any(at for at, copy in zip(coordinate, copies, strict=True) if copy)
    stretches: dict[int, Elements] = {}
    for start, run in _runs(tensor) if counts else ():
        stretches[start] = part(weights.bits, run.start, run.stop)
    return Share(weights.layer, weights.format, tensor.numel(), stretches)


def _reject_placements(name: str, tensor: torch.Tensor) -> None:
    if isinstance(tensor, DTensor):
        for placement in tensor.placements:
            if type(placement) not in (Shard, Replicate):
                raise PruneconfError(f"`{name}` is placed as {placement}; redistribute it to Shard or Replicate first")


def _local(tensor: torch.Tensor) -> torch.Tensor:
    """The part of a tensor that this process has, sharing its memory."""
    return (tensor.to_local() if isinstance(tensor, DTensor) else tensor).detach()


def _runs(tensor: torch.Tensor) -> Iterator[tuple[int, slice]]:
    """Where this process has neighbours: their first flat index in the whole tensor, and where they are in its part."""
    whole = tuple(tensor.shape)
    shape, offsets = whole, (0,) * len(whole)
    if isinstance(tensor, DTensor):
        shape, offsets = compute_local_shape_and_global_offset(whole, tensor.device_mesh, tensor.placements)
    if not prod(shape):
        return
    first = next((axis for axis in reversed(range(len(whole))) if shape[axis] != whole[axis]), 0)
    strides = [prod(whole[axis + 1 :]) for axis in range(len(whole))]
    size, begin = prod(shape[first:]), sum(at * stride for at, stride in zip(offsets, strides, strict=True))
    for number, places in enumerate(product(*map(range, shape[:first]))):
        start = begin + sum(at * stride for at, stride in zip(places, strides, strict=False))
        yield start, slice(number * size, (number + 1) * size)


def _like(tensor: torch.Tensor, local: torch.Tensor) -> torch.Tensor:
    """A tensor placed as another."""
    if not isinstance(tensor, DTensor):
        return local
    return DTensor.from_local(
        local, tensor.device_mesh, tensor.placements, run_check=False, shape=tensor.shape, stride=tensor.stride()
    )
