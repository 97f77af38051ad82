"""Keep masked weights at zero while a model is fine-tuned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from weakref import WeakMethod, finalize

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

from pruneconf.errors import PruneconfError
from pruneconf.pruning.tensors import like
from pruneconf.wrappers import StoredNames

Slot = tuple[torch.nn.Module, str]
"""A module, and the name of one of its own parameters."""


class Attachment:
    """Masks that are attached to a model; see `attach`."""

    def __init__(self, model: torch.nn.Module, masks: Mapping[str, torch.Tensor]) -> None:
        places = check_masks(model, masks)
        self._masked = [(slot, ~mask) for name, mask in masks.items() for slot in slots(model, places[name])]
        self._gradients: dict[Slot, tuple[torch.Tensor, RemovableHandle]] = {}
        self._hooks = [
            _after_every_step(self._hold),
            model.register_forward_pre_hook(self._hold),
            model.register_state_dict_pre_hook(self._hold),  # type: ignore[no-untyped-call]
            model.register_load_state_dict_post_hook(self._hold),  # type: ignore[no-untyped-call]
        ]
        self._hold()

    def __getstate__(self) -> object:
        return self._masked

    def __setstate__(self, masked: Any) -> None:  # in a copy of the model, whose hooks call the copy of this
        self._masked = masked
        self._gradients = {}
        self._hooks = [_after_every_step(self._hold)]

    def _hold(self, *_: Any) -> None:
        for i, (slot, masked) in enumerate(self._masked):
            weight = getattr(*slot)
            if masked.device != weight.device:
                masked = masked.to(weight.device)  # noqa: PLW2901 - the model has moved
                self._masked[i] = slot, masked
            # .data, because between two forward passes and their common backward this is no change that autograd
            # should mind: the masked elements were zero when they were used
            weight.data.masked_fill_(masked, 0)
            self._hold_gradient(slot, weight, i)

    def _hold_gradient(self, slot: Slot, weight: torch.Tensor, i: int) -> None:
        """Drop the gradients of masked elements, for optimisers with a memory and for clipping by norm."""
        seen, hook = self._gradients.get(slot, (None, None))
        if seen is weight or not weight.requires_grad:
            return
        if hook is not None:
            hook.remove()  # the parameter was exchanged for another
        drop = weight.register_post_accumulate_grad_hook(partial(self._drop, i))  # type: ignore[no-untyped-call]
        self._gradients[slot] = weight, drop

    def _drop(self, i: int, weight: torch.Tensor) -> None:
        if weight.grad is not None and weight.grad.layout is torch.strided:
            weight.grad.masked_fill_(self._masked[i][1].to(weight.device), 0)

    def remove(self) -> None:
        """Detach the masks. The weights stay as they are, zeros included, and are free to change again."""
        self._hold()
        for hook in (*self._hooks, *(hook for _, hook in self._gradients.values())):
            hook.remove()


def attach(model: torch.nn.Module, masks: Mapping[str, torch.Tensor]) -> Attachment:
    """Hold the elements of a model's weights that masks (parameter name to bool tensor, True = kept) rule out at zero.

    They are set to zero at once and then again after every step of any `torch.optim.Optimizer`, whatever it remembers
    (momentum, Adam's moments) or adds (weight decay); after `load_state_dict`; and before every forward pass and every
    `state_dict()` of the model, which covers updates that are made by hand. Their gradients are zero. The model keeps
    its modules and parameters, and its state dict the plain names, so that it loads anywhere. A mask holds for
    every layer that shares the weight, and in copies of the model. Afterwards `remove()` on the result lets go.

    Raises PruneconfError where the model has no such parameter, or a mask is not bool or of another shape.
    """
    return Attachment(model, masks)


def check_masks(model: torch.nn.Module, masks: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """The name of the parameter that each mask is for, which may stand inside wrappers that the mask was made without.

    Raises PruneconfError unless every mask is bool and has the name and the shape of a parameter of the model.
    """
    if not isinstance(masks, Mapping):
        raise PruneconfError(
            f"masks are no `{type(masks).__name__}` but a dict, parameter name to bool tensor; "
            "give what `prune` returned or `safetensors.torch.load_file` reads"
        )
    parameters = dict(model.named_parameters(remove_duplicate=False))
    stored = StoredNames(parameters)
    places = {}
    for name, mask in masks.items():
        place = stored.of(name)
        if place is None:
            found, remedy = like(name, parameters)
            raise PruneconfError(f"the model lacks `{name}`{found}; {remedy or 'take masks that were made for it'}")
        if mask.dtype != torch.bool:
            raise PruneconfError(f"the mask of `{name}` is {mask.dtype}, not torch.bool; `unpack` a packed mask first")
        if mask.shape != parameters[place].shape:
            shapes = f"{list(mask.shape)}, its weight {list(parameters[place].shape)}"
            raise PruneconfError(f"the mask of `{name}` has shape {shapes}; take masks that were made for it")
        places[name] = place
    return places


def _after_every_step(hold: Callable[[], None]) -> RemovableHandle:
    """Call a method after every step of every optimiser, but do not keep its object, and with it a model, alive."""
    method = WeakMethod(hold)

    def hook(*_: Any) -> None:
        if (alive := method()) is not None:
            alive()

    handle = register_optimizer_step_post_hook(hook)
    finalize(hold.__self__, handle.remove)  # type: ignore[attr-defined]
    return handle


def slots(model: torch.nn.Module, name: str) -> list[Slot]:
    """Every place in a model where the parameter with this name is used."""
    wanted = model.get_parameter(name)
    return [
        (module, slot)
        for module in model.modules()
        for slot, parameter in module.named_parameters(recurse=False, remove_duplicate=False)
        if parameter is wanted
    ]
