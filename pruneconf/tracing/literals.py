"""Tensors from literal values, whose content a meta tensor would lose before any operator runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from pruneconf.tracing.facts import FactTable

_MAKERS = (torch.tensor, torch.as_tensor, Tensor.new_tensor)


class Literals(TorchFunctionMode):
    """A mode in which `torch.tensor([2], device="meta")` is a meta tensor whose value is known."""

    def __init__(self, facts: FactTable) -> None:
        super().__init__()
        self._facts = facts

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run a function of torch; a literal is also made on the CPU."""
        kwargs = dict(kwargs or {})
        out = func(*args, **kwargs)
        if func in _MAKERS and out.is_meta and self._facts.value(out) is None:
            data = args[1 if func is Tensor.new_tensor else 0] if len(args) > (func is Tensor.new_tensor) else None
            if isinstance(data, int | float | bool | list | tuple):
                self._facts.of(out).value = torch.tensor(data, dtype=out.dtype, device="cpu")
        return out
