"""Recording a forward pass: who runs, what uses which parameter, what the channels are, what the output comes from."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from pruneconf.graph import Side
from pruneconf.tracing.channels import ops  # noqa: F401 (enters the rules)
from pruneconf.tracing.channels.labels import Label
from pruneconf.tracing.channels.operation import Channels, Operation, rule_for
from pruneconf.tracing.channels.ops.elementwise import pointwise
from pruneconf.tracing.channels.relations import Relations
from pruneconf.tracing.facts import FactTable
from pruneconf.tracing.places import Places
from pruneconf.tracing.shadow import Shadow, operator_name, tensors_in, tensors_of

_VIEWS = frozenset(
    (
        *("_to_copy", "alias", "detach", "t", "transpose", "permute", "view", "_unsafe_view", "slice", "select"),
        *("expand", "unsqueeze", "squeeze", "clone", "split", "unbind", "split_with_sizes", "unsafe_split", "index"),
        *("lift_fresh", "_weight_norm_interface"),
    )
)


class Step(NamedTuple):
    """An operator that ran: its tensors by number, and the layers whose parameters it used."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    layers: tuple[str, ...]
    through: bool


class Recorder(Shadow):  # type: ignore[no-untyped-call]
    """A mode that runs a model's forward pass and writes down what it sees.

    `calls` counts how often each module was called, `reads` how often a parameter was used while no module that owns
    it ran. `roles` holds, for each module and parameter name, on which sides its dimensions take part. `owners` are
    the modules and names under which each parameter is found, `dims` how many dimensions it has.
    """

    def __init__(self, model: nn.Module, facts: FactTable, places: Places) -> None:
        super().__init__(facts)
        self.calls: dict[str, int] = {}
        self.reads: dict[str, int] = {}
        self.roles: dict[tuple[str, str], dict[int, set[Side]]] = {}
        self.owners: dict[str, list[tuple[str, str]]] = {}
        self.dims: dict[str, int] = {}
        self.failed_rules: dict[str, str] = {}
        self.relations = Relations(lambda: self._stack[-1], self.place)
        self.channels = Channels(facts, self.relations, self._note_role)
        self._names = {module: name for name, module in model.named_modules()}
        self._keys: dict[int, str] = {}
        self._stack = [""]
        self._steps: list[Step] = []
        self._places = places
        self._hooks: list[Any] = []
        self._arguments: dict[Any, list[tuple[str, Any]]] = {}
        self._enter_parameters(model)

    def _enter_parameters(self, model: nn.Module) -> None:
        for key, parameter in model.named_parameters(remove_duplicate=False):
            first = self._keys.setdefault(id(parameter), key)
            module, _, name = key.rpartition(".")
            self.owners.setdefault(first, []).append((module, name))
            if first == key:
                self.dims[key] = parameter.dim()
                self.channels.enter(parameter, key)

    def __enter__(self) -> Any:
        """Start recording."""
        enter = torch_module.register_module_forward_pre_hook(self._enter_module)
        leave = torch_module.register_module_forward_hook(self._leave_module, always_call=True)
        self._hooks = [enter, leave]
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        """Stop recording."""
        for hook in self._hooks:
            hook.remove()
        super().__exit__(*error)

    def _enter_module(self, module: nn.Module, _: Any) -> None:
        name = self._names.get(module)
        self._stack.append(self._stack[-1] if name is None else name)
        if name is not None:
            self.calls[name] = self.calls.get(name, 0) + 1

    def _leave_module(self, *_: Any) -> None:
        if len(self._stack) > 1:
            self._stack.pop()

    def place(self) -> str:
        """The line of the model's source that runs, such as `model.py:31`; empty where none is found."""
        return self._places.of(sys._getframe())  # noqa: SLF001

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run one operator and record it."""
        out = super().run(func, args, kwargs)
        outputs = tensors_of(out)
        if func.is_view:
            for output in outputs:
                self.facts.of(output).is_view = True
        inputs = list(tensors_in(args, kwargs))
        op = Operation(operator_name(func), self._bound(func, args, kwargs), inputs, outputs, _is_pointwise(func))
        self._record(op)
        if outputs:
            self._carry(op)
        return out

    def _bound(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by their names in the operator's schema."""
        known = self._arguments.get(func)
        if known is None:
            schema = func._schema.arguments  # noqa: SLF001
            known = self._arguments[func] = [(each.name, each.default_value) for each in schema]
        bound = dict(known)
        bound.update(zip((name for name, _ in known), args, strict=False))
        bound.update(kwargs)
        return bound

    def _record(self, op: Operation) -> None:
        facts = self.facts
        keys = tuple(dict.fromkeys(key for tensor in op.inputs for key in facts.of(tensor).parameters))
        computed = [tensor for tensor in op.outputs if not facts.of(tensor).parameters]
        layers: tuple[str, ...] = ()
        if op.name in _VIEWS and len(keys) == 1 and facts.of(op.inputs[0]).parameters:
            for output in op.outputs:
                facts.of(output).parameters = keys
        elif keys and computed:
            layers = tuple(dict.fromkeys(self._user(key) for key in keys))
            for key in keys:
                if not self._owner_runs(key):
                    self.reads[key] = self.reads.get(key, 0) + 1
        inputs = tuple(id(tensor) for tensor in op.inputs)
        self._steps.append(Step(inputs, tuple(map(id, op.outputs)), layers, op.pointwise or "norm" in op.name))

    def _owner_runs(self, key: str) -> bool:
        return any(module in self._stack[1:] for module, _ in self.owners[key])

    def _user(self, key: str) -> str:
        """The module that uses a parameter: the innermost one that runs and owns it, else its first owner."""
        modules = [module for module, _ in self.owners[key]]
        return next((running for running in reversed(self._stack) if running in modules), modules[0])

    def _note_role(self, key: str, dim: int, side: Side) -> None:
        module = self._user(key)
        name = next(name for owner, name in self.owners[key] if owner == module)
        self.roles.setdefault((module, name), {}).setdefault(dim, set()).add(side)

    # Channels

    def _carry(self, op: Operation) -> None:
        rule = rule_for(op.name) or (pointwise if op.pointwise else None)
        if rule is None:
            self._lose(op)
            return
        try:
            rule(self.channels, op)
        except Exception as error:  # noqa: BLE001 (a wrong rule costs channels, never the trace)
            self.failed_rules[op.name] = f"{type(error).__name__}: {error}"
            self._lose(op)

    def _lose(self, op: Operation) -> None:
        """What an operator without a rule does to channels is not known; sizes may depend on the input."""
        labels = [self.channels.label(tensor) for tensor in op.inputs]
        for block in (block for label in labels for block in label.blocks):
            self.relations.pin(block.codes, "unknown", op.name)
        if any(label.fixed for label in labels):
            for output in op.outputs:
                self.channels.put(output, Label((), frozenset(range(output.dim()))))

    def enter_inputs(self, tensors: Sequence[Tensor]) -> None:
        """Mark the sizes of the example inputs as given."""
        for tensor in tensors:
            self.channels.put(tensor, Label((), frozenset(range(tensor.dim()))))

    def leave_outputs(self, outputs: Mapping[str, Tensor]) -> set[str]:
        """Pin the channels that the outputs show; the layers from which the outputs come directly."""
        for name, tensor in outputs.items():
            for block in self.channels.label(tensor).blocks:
                self.relations.pin(block.codes, "output", name)
        return self._makers({id(tensor) for tensor in outputs.values()})

    def _makers(self, wanted: set[int]) -> set[str]:
        """The layers nearest to the outputs. Behind a norm or a scale stands the one layer whose result it works on."""
        makers: set[str] = set()
        for number in self._nearest(wanted, len(self._steps)):
            step = self._steps[number]
            makers.update(step.layers)
            if step.through:
                behind = {name for each in self._nearest(set(step.inputs), number) for name in self._steps[each].layers}
                makers.update(behind if len(behind) == 1 else ())
        return makers

    def _nearest(self, wanted: set[int], before: int) -> list[int]:
        """The last steps before this one that used a layer on the way to these tensors."""
        found = []
        for number in reversed(range(before)):
            step = self._steps[number]
            if not wanted.isdisjoint(step.outputs):
                wanted.difference_update(step.outputs)
                if step.layers:
                    found.append(number)
                else:
                    wanted.update(step.inputs)
        return found


@cache
def _is_pointwise(func: Any) -> bool:
    """Whether torch calls the operator pointwise, or the one of which it is the in-place variant."""
    if torch.Tag.pointwise in func.tags:
        return True
    name = operator_name(func)
    packet = getattr(torch.ops.aten, name[:-1], None) if name.endswith("_") else None
    overload = getattr(packet, func._overloadname, None)  # noqa: SLF001
    return overload is not None and torch.Tag.pointwise in overload.tags
