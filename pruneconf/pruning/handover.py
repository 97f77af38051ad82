"""Masks in the form that other tools take."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pruneconf.pruning.attach import check_masks, slots


def by_layer(model: torch.nn.Module, masks: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """Masks as `{layer: {"weight": mask}}`, which is NNI's form, for every layer that has the weight.

    `masks` is what `prune` returned, or `masks.safetensors` holds: parameter name to bool tensor, True = kept. As NNI
    and `torch.nn.utils.prune` have it, a mask is 1 where an element is kept and else 0, of its weight's dtype and on
    its device. So that `torch.nn.utils.prune` holds them:

    >>> for layer, each in pruneconf.by_layer(model, masks).items():
    ...     for name, mask in each.items():
    ...         torch.nn.utils.prune.custom_from_mask(model.get_submodule(layer), name, mask)

    Layers that share a weight have the same mask tensor. Raises PruneconfError where the model has no such parameter,
    or a mask is not bool or of another shape.
    """
    places = check_masks(model, masks)
    names = {module: name for name, module in model.named_modules()}
    found: dict[str, dict[str, torch.Tensor]] = {}
    for parameter, mask in masks.items():
        weight = model.get_parameter(places[parameter])
        number = mask.to(device=weight.device, dtype=weight.dtype)
        for module, name in slots(model, places[parameter]):
            found.setdefault(names[module], {})[name] = number
    return found
