"""A model as the linter sees it: its layers and how they hang together. Plain data, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

from pruneconf.graph.coupling import Coupling, Parameter

_NONE: Mapping[str, Any] = MappingProxyType({})

UNKNOWN_TYPE = "?"
"""The type of layers and modules of which only names and shapes are known."""


class Layer(NamedTuple):
    """A module that owns a floating-point parameter called `weight`.

    `type` is the exact class name or `UNKNOWN_TYPE`, `shape` and `dtype` (`float32`, `bfloat16`, ...) are the weight's.
    `parameter` is the state-dict key of the weight; layers that share one weight carry the same key, the first layer's.
    `aliases` are the further names under which the same module is reachable. `bases` are the public classes between
    its own and `nn.Module`, nearest first.

    `calls` says how often one forward pass runs the layer, or reads its weight without calling it; None where that is
    not known. `output` is true where a model output comes directly from it. `out_axis` and `in_axis` are the
    dimensions of the weight that count the channels that it makes and reads; None where there is none.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    dtype: str
    parameter: str
    aliases: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    calls: int | None = None
    output: bool = False
    out_axis: int | None = None
    in_axis: int | None = None

    @property
    def numel(self) -> int:
        """Number of elements of the weight."""
        return prod(self.shape)


class Weight(StrEnum):
    """Why a module is not a layer."""

    NONE = "none"
    """It owns no parameter called `weight`."""
    COMPUTED = "computed"
    """`weight` is computed from other parameters (weight_norm, parametrizations)."""
    NOT_FLOAT = "not-float"
    """`weight` is no floating-point parameter (quantized)."""
    LAZY = "lazy"
    """`weight` has no shape before the first forward pass."""


class Module(NamedTuple):
    """A module that is not a layer; `children` counts the layers below it."""

    name: str
    type: str
    weight: Weight
    children: int = 0
    aliases: tuple[str, ...] = ()


class Origin(StrEnum):
    """How a graph was obtained."""

    OPERATORS = "operators"
    """From the operations of a whole forward pass."""
    PARTIAL = "partial"
    """From a forward pass that broke off: what it ran is known, what it did not run says nothing."""
    MODULES = "modules"
    """From the module tree alone: names, types and shapes."""


class _Fields(NamedTuple):  # a dataclass would cost the linter's start 1 ms
    source: str
    type: str
    layers: tuple[Layer, ...]
    modules: tuple[Module, ...] = ()
    shared: Mapping[str, tuple[str, ...]] = _NONE
    parameters: int = 0
    sources: Mapping[str, str] = _NONE
    origin: Origin = Origin.MODULES
    versions: Mapping[str, str] = _NONE
    inputs: str = ""
    missing: tuple[str, ...] = ()
    couplings: tuple[Coupling, ...] = ()
    unreachable: tuple[Parameter, ...] = ()
    changed: tuple[str, ...] = ()


class ModelGraph(_Fields):
    """The layers of a model in `named_modules()` order, and every other module.

    `source` is what the user named, `type` the model's class. `shared` maps the state-dict key of a shared weight
    to the other keys under which it is stored. `parameters` counts all elements of all parameters, shared ones
    once. `sources` maps the files that define the model to the sha256 of their bytes (hex). `versions` names what made
    the graph.

    `origin` says how it was obtained, `inputs` with which example inputs, and `missing`, a sentence each, what is not
    known that a full trace would tell. `couplings` is empty unless the origin is `operators`. `unreachable` are the
    parameters that no config can select. `changed` are the sources that have changed since it was
    written to a file.
    """

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        """Layers under their first names."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def by_alias(self) -> Mapping[str, Layer]:
        """Layers under their further names."""
        return {alias: layer for layer in self.layers for alias in layer.aliases}

    @cached_property
    def modules_by_name(self) -> Mapping[str, Module]:
        """Modules that are no layers, under all their names."""
        return {name: module for module in self.modules for name in (module.name, *module.aliases)}

    @property
    def is_typed(self) -> bool:
        """Whether the types of the layers are known, so that they can be selected by type."""
        return self.type != UNKNOWN_TYPE

    @cached_property
    def types(self) -> Mapping[str, int]:
        """The layer types of the model and how many layers have each, in model order."""
        counts: dict[str, int] = {}
        for layer in self.layers:
            counts[layer.type] = counts.get(layer.type, 0) + 1
        return counts

    @cached_property
    def couplings_of(self) -> Mapping[str, tuple[Coupling, ...]]:
        """The couplings in which each layer, or other parameter, has channels."""
        found: dict[str, list[Coupling]] = {}
        for coupling in self.couplings:
            for name in dict.fromkeys(member.layer for member in coupling.members):
                found.setdefault(name, []).append(coupling)
        return {name: tuple(couplings) for name, couplings in found.items()}
