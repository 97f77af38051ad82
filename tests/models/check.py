"""The proof of a coupling by numbers, independent of how it was found."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pruneconf.graph import Coupling, Member, ModelGraph, Side

Parameters = Mapping[str, nn.Parameter]


def wrong_units(model: nn.Module, graph: ModelGraph, run: Callable[[nn.Module], Tensor]) -> tuple[list[str], int, int]:
    """Zero what makes a unit, and replace what reads it by noise: what `run` gives must stay as it was.

    The model must be in evaluation mode, with random float64 weights. Gives the units for which that is not so, how
    many were checked, and for how many of these the noise would have mattered without the zeros.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    noise = {key: torch.randn_like(value) for key, value in parameters.items()}
    kept = copy.deepcopy(model.state_dict())
    wrong, checked, felt = [], 0, 0
    with torch.no_grad():
        whole = run(model)
        for number, coupling in enumerate(graph.couplings):
            if {pin.kind for pin in coupling.pins} - {"heads"}:
                continue
            for unit in sorted({number % coupling.units, coupling.units - 1}):
                _spoil(parameters, noise, coupling, unit)
                felt += not _same(whole, run(model))
                model.load_state_dict(kept)
                _zero(parameters, coupling, unit)
                before = run(model)
                _spoil(parameters, noise, coupling, unit)
                if not _same(before, run(model)):
                    wrong.append(f"unit {unit} of {coupling}")
                model.load_state_dict(kept)
                checked += 1
    return wrong, checked, felt


def randomized(model: nn.Module) -> nn.Module:
    """The model in float64 and evaluation mode, with random parameters: none is zero or one by initialization.

    They are such that activations neither vanish nor saturate.
    """
    model = model.double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            inputs = max(parameter[0].numel(), 1) if parameter.dim() > 1 else 1
            parameter.copy_(torch.randn_like(parameter) / inputs**0.5)
    return model


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=0, atol=1e-9 * max(1.0, float(one.abs().max())))


def _zero(parameters: Parameters, coupling: Coupling, unit: int) -> None:
    for member in coupling.members:
        if member.side is not Side.IN:
            channels = _index(member.channels(unit))
            parameters[_key(parameters, member)].index_fill_(member.axis, channels, 0)
            bias = parameters.get(f"{member.layer}.bias")
            if bias is not None:
                bias.index_fill_(member.axis if bias.dim() > 1 else 0, channels, 0)


def _spoil(parameters: Parameters, noise: Mapping[str, Tensor], coupling: Coupling, unit: int) -> None:
    """Leaves alone the axes that also make the unit, as those of tied embeddings do."""
    made = {
        (id(parameters[_key(parameters, member)]), member.axis)
        for member in coupling.members
        if member.side is Side.OUT
    }
    for member in coupling.members:
        key = _key(parameters, member)
        if member.side is Side.IN and (id(parameters[key]), member.axis) not in made:
            channels = _index(member.channels(unit))
            parameters[key].index_copy_(member.axis, channels, noise[key].index_select(member.axis, channels))


def _key(parameters: Parameters, member: Member) -> str:
    return member.layer if member.layer in parameters else f"{member.layer}.weight"


def _index(channels: Any) -> Tensor:
    return torch.tensor(list(channels), dtype=torch.long)
