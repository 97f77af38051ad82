"""Example inputs of a model: as the user gives them, on the command line or in the model's file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from pruneconf.errors import PruneconfError
from pruneconf.suggest import did_you_mean, nearest

ATTRIBUTE = "example_inputs"
"""What a model's file calls its example inputs: a value, or a function without arguments that returns it."""

FORMS = "`--input 1,3,224,224` or, with a name and a dtype, `--input ids:1x16:int64`"
"""What to give on the command line."""

_SHAPE = re.compile(r"\d+(?:[,x]\d+)*|\(\)")
_DTYPES = {
    name: value
    for name in ("float32", "float16", "bfloat16", "float64", "int64", "int32", "int8", "uint8", "bool", "complex64")
    if isinstance(value := getattr(torch, name), torch.dtype)
}
_PAIR = 2


class InputSpec(NamedTuple):
    """The shape and dtype of one input, and for a keyword argument its name."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str | None = None

    def tensor(self) -> Tensor:
        """An input of this shape: zeros, or ones where whole numbers are asked for."""
        dtype = _DTYPES[self.dtype]
        if dtype.is_floating_point or dtype.is_complex:
            return torch.zeros(self.shape, dtype=dtype, device="cpu")
        return torch.ones(self.shape, dtype=dtype, device="cpu")


@dataclass(frozen=True, slots=True)
class ExampleInputs:
    """What to call a model with. `origin` says where it comes from, as the end of a sentence."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""

    def __str__(self) -> str:
        """The tensors in the form of `--input`, and the origin."""
        named = [("", value) for value in self.args] + list(self.kwargs.items())
        texts = [f"`{name + ':' * bool(name)}{_text(leaf)}`" for name, value in named for leaf in _tensors(value)]
        return ", ".join(texts) + f" {self.origin}" * bool(self.origin)


def parse_input(text: str) -> InputSpec:
    """An input from the command line: `SHAPE`, `NAME:SHAPE`, `SHAPE:DTYPE` or `NAME:SHAPE:DTYPE`.

    A shape is numbers between commas or `x`; without a dtype it is float32. Raises PruneconfError.
    """
    parts = text.split(":")
    name = parts.pop(0) if parts and not _SHAPE.fullmatch(parts[0]) else None
    if not parts or len(parts) > _PAIR or not _SHAPE.fullmatch(parts[0]) or (name is not None and not _is_name(name)):
        raise PruneconfError(f"`{text}` is no input; expected a shape: {FORMS}")
    dtype = parts[1] if len(parts) == _PAIR else "float32"
    if dtype not in _DTYPES:
        hint = did_you_mean(nearest(dtype, list(_DTYPES))) or "one of " + ", ".join(_DTYPES)
        raise PruneconfError(f"`{dtype}` in `{text}` is no dtype; {hint}")
    return InputSpec(tuple(map(int, re.findall(r"\d+", parts[0]))), dtype, name)


def inputs_from_specs(specs: Sequence[InputSpec]) -> ExampleInputs:
    """What to call a model with, given the inputs from the command line."""
    args = tuple(spec.tensor() for spec in specs if spec.name is None)
    kwargs = {spec.name: spec.tensor() for spec in specs if spec.name is not None}
    return ExampleInputs(args, kwargs, "from `--input`")


def inputs_from_value(value: Any, origin: str) -> ExampleInputs:
    """What to call a model with, given a tensor, a tuple of arguments, a dict, `(args, kwargs)` or a function.

    Raises PruneconfError for anything else.
    """
    if callable(value) and not isinstance(value, Tensor | torch.nn.Module):
        value = value()
    if isinstance(value, Mapping):
        return ExampleInputs((), dict(value), origin)
    if isinstance(value, Tensor):
        return ExampleInputs((value,), {}, origin)
    if not isinstance(value, tuple | list):
        raise PruneconfError(
            f"`{ATTRIBUTE}` is a `{type(value).__name__}`; "
            "expected a tensor, a tuple of arguments, a dict of keyword arguments, or `(args, kwargs)`"
        )
    if len(value) == _PAIR and isinstance(value[0], tuple | list) and isinstance(value[1], Mapping):
        return ExampleInputs(tuple(value[0]), dict(value[1]), origin)
    return ExampleInputs(tuple(value), {}, origin)


def on_device(inputs: ExampleInputs, change: Callable[[Tensor], Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with every tensor in them changed."""
    from torch.utils._pytree import tree_map

    def changed(value: Any) -> Any:
        return tree_map(lambda leaf: change(leaf) if isinstance(leaf, Tensor) else leaf, value)

    return tuple(map(changed, inputs.args)), {key: changed(value) for key, value in inputs.kwargs.items()}


def tensors_among(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """All tensors in arguments, however deep."""
    return [leaf for value in (*args, *kwargs.values()) for leaf in _tensors(value)]


def _tensors(value: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor))


def _text(tensor: Tensor) -> str:
    shape = "x".join(map(str, tensor.shape)) or "()"
    dtype = str(tensor.dtype).removeprefix("torch.")
    return shape if dtype == "float32" else f"{shape}:{dtype}"


def _is_name(text: str) -> bool:
    return text.isidentifier()
