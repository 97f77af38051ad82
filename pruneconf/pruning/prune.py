"""Prune a model in memory."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.level import pruned, pruner_for
from pruneconf.pruning.masks import check_form, mask_in_place
from pruneconf.pruning.tensors import as_mask, kind_of, locate, weights_of, write_back
from pruneconf.pruning.workers import Workers


def prune(model: torch.nn.Module, plan: Plan, pruner: str = "level", *, masks: str = "bool") -> dict[str, torch.Tensor]:
    """Mask a model in place as a plan says, and return the masks by parameter name (True = kept).

    Masked elements become +0.0, every other bit stays. A mask has its weight's shape and device; `masks="packed"` gives
    uint8 masks of ceil(numel / 8) bytes instead (see `unpack`), `masks="none"` gives none. Beyond the masks, memory
    for a few MiB is taken, and for copies of weights that are not contiguous or not on the CPU.

    Works with as many threads as torch does; the masks are the same for any number. Raises PruneconfError, and leaves
    the model as it was, where the plan does not fit the model or cannot be met, or a weight is NaN.
    """
    check_form(masks)
    choose = pruner_for(plan, pruner)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    where = locate(plan, {name: kind_of(tensor) for name, tensor in parameters.items()}, "the model")
    tensors = {parameter: parameters[names[0]] for parameter, names in where.items()}
    _reject_overlaps(tensors)
    layers = pruned(plan)
    weights = {name: weights_of(layers[name], tensor) for name, tensor in tensors.items()}
    workers = Workers(torch.get_num_threads())
    cuts = choose(plan, weights, workers)
    flat = mask_in_place(list(weights.values()), [cuts[name] for name in weights], masks, workers)
    for name, tensor in tensors.items():
        write_back(tensor, weights[name])
    return {
        name: as_mask(mask, tensor, masks)
        for (name, tensor), mask in zip(tensors.items(), flat, strict=True)
        if mask is not None
    }


def _reject_overlaps(tensors: Mapping[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        if any(stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True)):
            raise PruneconfError(
                f"`{name}` is an expanded tensor whose elements share memory; make it contiguous first"
            )
