"""Prune a model whose weights are spread over processes as DTensors, as `fully_shard` (FSDP2) leaves them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod

import numpy as np
import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.floats import Elements
from pruneconf.pruning.level import level, pruned
from pruneconf.pruning.masks import kept
from pruneconf.pruning.pieces import Share, part
from pruneconf.pruning.team import Team
from pruneconf.pruning.tensors import weights_of
from pruneconf.pruning.workers import Workers


def prune_sharded(plan: Plan, tensors: Mapping[str, torch.Tensor], masks: str) -> dict[str, torch.Tensor]:
    """As `prune`, for tensors by parameter of which some are DTensors; every process of the default group calls it.

    Each looks at its own shards and changes those; no weights are exchanged. The masks are DTensors placed as their
    weights are. Other tensors are the same in all processes. Raises PruneconfError in all processes alike.
    """
    if plan.structured or masks == "packed":
        what = f"the pruner `{plan.pruner}`" if plan.structured else "`packed` masks"
        raise PruneconfError(f"{what} cannot be had for sharded weights (DTensor), only `level` with `bool` masks")
    layers = pruned(plan)
    team = Team(dist.get_rank(), dist.get_world_size())
    shares = {name: _share(layers[name], name, tensor, team) for name, tensor in tensors.items()}
    cuts = level(plan, shares, Workers(torch.get_num_threads()), team)
    found = {}
    for name, tensor in tensors.items():
        local = _local(tensor)
        weights = weights_of(layers[name], local)
        bits = np.array(weights.bits[:])
        mask = np.empty(bits.size, np.bool_)
        for start, run in _runs(tensor):
            mask[run] = kept(bits[run], start, weights.format, cuts[name])
        bits *= mask
        local.copy_(torch.from_numpy(bits.view(f"<i{bits.itemsize}")).view(local.dtype).reshape(local.shape))
        torch.autograd.graph.increment_version(tensor)
        if masks == "bool":
            found[name] = _like(tensor, torch.from_numpy(mask).reshape(local.shape).to(local.device))
    return found


def _share(layer: str, name: str, tensor: torch.Tensor, team: Team) -> Share:
    """What this process counts of a tensor: of copies, only the first does."""
    _reject_placements(name, tensor)
    weights = weights_of(layer, _local(tensor))
    counts = team.leads
    if isinstance(tensor, DTensor):
        coordinate = tensor.device_mesh.get_coordinate()
        copies = [isinstance(placement, Replicate) for placement in tensor.placements]
        counts = coordinate is not None and not any(at for at, copy in zip(coordinate, copies, strict=True) if copy)
    stretches: dict[int, Elements] = {}
    for start, run in _runs(tensor) if counts else ():
        stretches[start] = part(weights.bits, run.start, run.stop)
    return Share(layer, weights.format, tensor.numel(), stretches)


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
