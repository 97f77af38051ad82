"""Prune a model in memory."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.channels import ChannelCut
from pruneconf.pruning.choose import cuts_of, plan_for
from pruneconf.pruning.level import pruned
from pruneconf.pruning.masks import check_form, mask_in_place
from pruneconf.pruning.scores import seed_for
from pruneconf.pruning.tensors import as_mask, kind_of, locate, weights_of, write_back
from pruneconf.pruning.workers import Workers


def prune(
    model: torch.nn.Module, plan: Plan, pruner: str | None = None, *, masks: str = "bool", seed: int | None = None
) -> dict[str, torch.Tensor]:
    """Mask a model in place as a plan says, and return the masks by parameter name (True = kept).

    With the plan's own pruner, or with another: the plan is then made for that one. The structured pruners mask biases
    too, and have masks for them. `seed` is that of the pruner `random`, 0 if it is left out.

    Masked elements become +0.0, every other bit stays. A mask has its weight's shape and device; `masks="packed"` gives
    uint8 masks of ceil(numel / 8) bytes instead (see `unpack`), `masks="none"` gives none. Beyond the masks, memory
    for a hundredth of the weights is taken, and for copies of weights that are not contiguous. The work is done where
    the weights are: weights on a torch device stay there.

    Weights may be sharded (DTensor, as FSDP2 has them): every process calls this, changes its own shards, and gets
    masks placed like the weights. That is for `level`, and for masks that are `bool` or `none`.

    Works with as many threads as torch does; the masks are the same for any number, and on any device. Raises
    PruneconfError, and leaves the model as it was, where the plan does not fit the model or cannot be met, or a weight
    is NaN.
    """
    check_form(masks)
    plan = plan_for(plan, pruner)
    seed = seed_for(plan.pruner, seed)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    kinds = {name: kind_of(tensor) for name, tensor in parameters.items()}
    where = locate(plan, kinds, "the model")
    tensors = {parameter: parameters[names[0]] for parameter, names in where.items()}
    if _sharded(tensors):
        from pruneconf.pruning.sharded import prune_sharded

        return prune_sharded(plan, tensors, masks)
    layers = pruned(plan)
    weights = {name: weights_of(layers[name], tensor) for name, tensor in tensors.items()}
    workers = Workers(torch.get_num_threads())
    cuts = cuts_of(plan, weights, kinds, workers, seed)
    for key, cut in cuts.items():
        if key not in tensors and isinstance(cut, ChannelCut):
            tensors[key] = parameters[cut.names[0]]
            weights[key] = weights_of(key, tensors[key])
    _reject_overlaps(tensors)
    flat = mask_in_place(list(weights.values()), [cuts[name] for name in weights], masks, workers)
    for name, tensor in tensors.items():
        write_back(tensor, weights[name])
    return {
        name: as_mask(mask, tensor, masks)
        for (name, tensor), mask in zip(tensors.items(), flat, strict=True)
        if mask is not None
    }


def _sharded(tensors: Mapping[str, torch.Tensor]) -> bool:
    if not torch.distributed.is_available():
        return False
    from torch.distributed.tensor import DTensor

    return any(isinstance(tensor, DTensor) for tensor in tensors.values())


def _reject_overlaps(tensors: Mapping[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        if any(stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True)):
            raise PruneconfError(
                f"`{name}` is an expanded tensor whose elements share memory; make it contiguous first"
            )
