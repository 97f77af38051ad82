"""One operation of a forward pass, and the rules that carry labels through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor

from pruneconf.graph import Side
from pruneconf.tracing.channels.labels import Axis, Block, Label, shifted
from pruneconf.tracing.channels.relations import Relations
from pruneconf.tracing.facts import FactTable


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of an operator. `arguments` holds all of them by their names in its schema, defaults included."""

    name: str
    arguments: Mapping[str, Any]
    inputs: list[Tensor]
    outputs: list[Tensor]
    pointwise: bool = False

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.outputs[0]

    def dim(self, argument: str = "dim", of: Tensor | None = None) -> int:
        """A dimension argument counted from the front, of the first input unless another tensor is given."""
        count = (self.inputs[0] if of is None else of).dim()
        return int(self.arguments[argument]) % max(count, 1)


class Channels:
    """The labels of all tensors, what ties them, and in which role each parameter takes part."""

    def __init__(self, facts: FactTable, relations: Relations, note_role: Callable[[str, int, Side], None]) -> None:
        self.facts = facts
        self.relations = relations
        self._note_role = note_role
        self._axes: dict[str, list[Axis]] = {}

    def enter(self, tensor: Tensor, key: str) -> None:
        """Give a parameter its axes and its label."""
        axes = self._axes.get(key)
        if axes is None:
            sizes = enumerate(tensor.shape)
            axes = self._axes[key] = [self.relations.axis(size, (key, dim)) for dim, size in sizes]
        facts = self.facts.of(tensor)
        facts.label = Label(tuple(Block((dim,), axis) for dim, axis in enumerate(axes) if axis.size > 1))
        facts.parameters = (key,)

    def label(self, tensor: Tensor) -> Label:
        """The label of a tensor."""
        return self.facts.of(tensor).label

    def put(self, tensor: Tensor, label: Label) -> None:
        """Set the label of a tensor in its normal form. What does not fit its shape is dropped."""
        shape = tensor.shape
        fitting = (self.relations.normal(block, shape) for block in label.blocks if fits(block, shape))
        blocks = tuple(block for block in fitting if block is not None)
        fixed = frozenset(dim for dim in label.fixed if dim < tensor.dim() and tensor.shape[dim] > 1)
        self.facts.of(tensor).label = Label(blocks, fixed)

    def aligned(self, tensor: Tensor, dims: int) -> Label:
        """The label of a tensor that is broadcast to this many dimensions."""
        return shifted(self.label(tensor), dims - tensor.dim())

    def role(self, tensor: Tensor, dim: int, side: Side) -> None:
        """Note on which side a dimension of a parameter, or of a view of one, takes part."""
        facts = self.facts.of(tensor)
        for block in facts.label.blocks:
            if dim in block.dims:
                codes = block.codes
                axis = codes if isinstance(codes, Axis) else self.relations.axis_of(int(codes.flat[0]))
                if axis.owner is not None and axis.owner[0] in facts.parameters:
                    self._note_role(*axis.owner, side)


def fits(block: Block, shape: tuple[int, ...]) -> bool:
    """Whether a block has the sizes of the dimensions on which it lies."""
    sizes = (block.codes.size,) if isinstance(block.codes, Axis) else block.codes.shape
    return max(block.dims) < len(shape) and sizes == tuple(shape[dim] for dim in block.dims)


Rule: TypeAlias = Callable[[Channels, Operation], None]

_RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule for operators of these names; in-place variants end in `_` and share it."""

    def enter(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(names, function))
        return function

    return enter


def rule_for(name: str) -> Rule | None:
    """The rule for an operator, if there is one."""
    return _RULES.get(name) or _RULES.get(name.rstrip("_"))
