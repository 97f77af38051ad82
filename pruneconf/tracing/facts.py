"""What is known of each tensor of a forward pass, kept beside the tensors and not on them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pruneconf.tracing.channels.labels import NO_LABEL, Codes, Label

LARGEST_VALUE = 1 << 20
"""Values of more elements are not kept."""


class Window(NamedTuple):
    """Of which part of `base` a tensor is a view: for each dimension None for all, the indices, or the only index."""

    base: Tensor
    picks: tuple[int | Codes | None, ...]


class Facts:
    """What is known of one tensor.

    `value` is its content where it does not depend on weights or on floating-point inputs, `verdict` what its
    elements are taken for where they must be guessed. `label` says what its channels are, `parameters` of which
    parameters it is a view or a copy. `is_view` is true where it shares another's memory; `window` says which part,
    where that is known. `tensor` keeps the tensor alive, so that its `id` stays its own.
    """

    __slots__ = ("is_view", "label", "parameters", "tensor", "value", "verdict", "window")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.value: Tensor | None = None
        self.verdict = False
        self.label: Label = NO_LABEL
        self.parameters: tuple[str, ...] = ()
        self.is_view = False
        self.window: Window | None = None


class FactTable:
    """The facts of all tensors that a run has seen."""

    def __init__(self) -> None:
        self._facts: dict[int, Facts] = {}

    def of(self, tensor: Tensor) -> Facts:
        """The facts of a tensor, to read and to write."""
        facts = self._facts.get(id(tensor))
        if facts is None:
            facts = self._facts[id(tensor)] = Facts(tensor)
        return facts

    def value(self, tensor: Tensor) -> Tensor | None:
        """The content of a tensor, on the CPU, where it is known."""
        return self.of(tensor).value if tensor.is_meta else tensor

    def values_alone(self) -> FactTable:
        """A table of its own that starts with nothing but the known values."""
        table = FactTable()
        for facts in self._facts.values():
            if facts.value is not None:
                table.of(facts.tensor).value = facts.value.clone()
        return table

    def twin(self, tensor: Tensor) -> Tensor:
        """A meta tensor with the shape and the facts of a tensor that has values; its value is known."""
        twin = empty_twin(tensor)
        known = self.of(tensor)
        facts = self.of(twin)
        facts.value, facts.label, facts.parameters = tensor, known.label, known.parameters
        return twin


def empty_twin(tensor: Tensor) -> Tensor:
    """A meta tensor of the same shape, strides and dtype."""
    if tensor.layout != torch.strided:
        return tensor.detach().to("meta")
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
