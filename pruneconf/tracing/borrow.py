"""Running a model that belongs to somebody else, and giving it back as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pruneconf.tracing.facts import LARGEST_VALUE, FactTable, empty_twin

_DICTS = ("_parameters", "_buffers", "_modules")


@contextmanager
def borrowed(model: nn.Module, facts: FactTable, *, on_meta: bool) -> Iterator[None]:
    """The model ready for one forward pass: in evaluation mode, without gradients, with random numbers of its own.

    With `on_meta` its parameters and buffers are meta tensors meanwhile; the values of buffers are kept in `facts`.
    Otherwise its buffers are copies. Afterwards its attributes, and torch's settings, are as they were.
    """
    kept = {module: _attributes(module) for module in model.modules()}
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 (the user's code may use it)
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            random.seed(0)
            torch.backends.mha.set_fastpath_enabled(False)  # one fused operator would hide all layers
            _replace(model, facts, on_meta=on_meta)
            model.eval()
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        for module, attributes in kept.items():
            _restore(module, attributes)


def _attributes(module: nn.Module) -> dict[str, Any]:
    members = dict(vars(module))
    members.update({name: dict(members[name]) for name in _DICTS if name in members})
    return members


def _restore(module: nn.Module, attributes: dict[str, Any]) -> None:
    members = vars(module)
    for name in _DICTS:
        current, before = members.get(name), attributes.get(name)
        if current is not None and before is not None:
            current.clear()
            current.update(before)
            attributes[name] = current
    members.clear()
    members.update(attributes)


def _replace(model: nn.Module, facts: FactTable, *, on_meta: bool) -> None:
    """Put twins in the place of parameters and buffers; what is shared stays shared."""
    twins: dict[int, Tensor] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():  # noqa: SLF001
            if parameter is not None and on_meta and not parameter.is_meta:
                twin = twins.setdefault(id(parameter), _parameter_twin(parameter))
                module._parameters[name] = twin  # type: ignore[assignment]  # noqa: SLF001
        for name, buffer in module._buffers.items():  # noqa: SLF001
            if buffer is not None and not buffer.is_meta:
                if id(buffer) not in twins:
                    twins[id(buffer)] = _buffer_twin(buffer, facts) if on_meta else buffer.detach().clone()
                module._buffers[name] = twins[id(buffer)]  # noqa: SLF001
        if isinstance(module, nn.DataParallel):
            module.device_ids = []  # none to copy it to
        if isinstance(module, nn.RNNBase):
            weights = [getattr(module, name) for name in module._flat_weights_names]  # noqa: SLF001
            vars(module)["_flat_weights"] = weights


def _parameter_twin(parameter: nn.Parameter) -> nn.Parameter:
    return nn.Parameter(empty_twin(parameter), requires_grad=False)


def _buffer_twin(buffer: Tensor, facts: FactTable) -> Tensor:
    twin = empty_twin(buffer)
    if buffer.numel() <= LARGEST_VALUE and buffer.layout == torch.strided:
        facts.of(twin).value = buffer.detach().cpu().clone()
    return twin
