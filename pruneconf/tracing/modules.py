"""The module tree of a model as a model graph: layers, what the other modules are, who shares a weight with whom."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from pruneconf.errors import PruneconfError
from pruneconf.graph import Layer, ModelGraph, Module, Parameter, Weight
from pruneconf.version import __version__

_MATRIX = 2
_NO_SOURCES: Mapping[str, str] = {}


def module_graph(model: nn.Module, source: str, sources: Mapping[str, str] = _NO_SOURCES) -> ModelGraph:
    """The graph of a module tree. `sources` are the digests of the files that define the model.

    Raises PruneconfError for a tree with a cycle.

    A weight counts as shared where two parameters are one object or the same view of the same memory. A transposed
    or partial view of another weight counts as a weight of its own.
    """
    names = _names(model)
    weights = {module: weight for module in names if (weight := _prunable_weight(module)) is not None}
    parameters = _first_keys(names, weights)
    return ModelGraph(
        source=source,
        type=type(model).__name__,
        layers=tuple(_layer(module, names[module], weight, parameters) for module, weight in weights.items()),
        modules=tuple(
            Module(
                name=of[0],
                type=type(module).__name__,
                weight=_why_no_layer(module),
                children=sum(below in weights for below in module.modules()),
                aliases=tuple(of[1:]),
            )
            for module, of in names.items()
            if module not in weights
        ),
        shared=_shared(model, parameters),
        unreachable=_unreachable(model, weights, parameters),
        parameters=_count(model),
        sources=sources,
        versions={"pruneconf": __version__, "torch": str(torch.__version__)},
    )


def _names(model: nn.Module) -> dict[nn.Module, list[str]]:
    """Every module with all its names, in `named_modules()` order."""
    names: dict[nn.Module, list[str]] = {}
    try:
        for name, module in model.named_modules(remove_duplicate=False):
            names.setdefault(module, []).append(name)
    except RecursionError as error:
        raise PruneconfError(
            f"a module of `{type(model).__name__}` contains itself; hold the way back up outside the module tree, "
            "e.g. in a tuple"
        ) from error
    return names


def _prunable_weight(module: nn.Module) -> nn.Parameter | None:
    weight = _own_parameters(module).get("weight")
    return None if weight is None or is_lazy(weight) or not weight.is_floating_point() else weight


def _own_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    return dict(module.named_parameters(recurse=False, remove_duplicate=False))


def _layer(module: nn.Module, names: list[str], weight: nn.Parameter, parameters: dict[Hashable, str]) -> Layer:
    out_axis, in_axis = _axes(module)
    return Layer(
        name=names[0],
        type=type(module).__name__,
        shape=tuple(weight.shape),
        dtype=str(weight.dtype).removeprefix("torch."),
        parameter=parameters[_identity(weight)],
        aliases=tuple(names[1:]),
        bases=tuple(_bases(module)),
        out_axis=out_axis,
        in_axis=in_axis,
    )


def _bases(module: nn.Module) -> Iterator[str]:
    """The public module classes of which the module's class is a subclass, nearest first."""
    for kind in type(module).__mro__[1:]:
        if issubclass(kind, nn.Module) and kind is not nn.Module and not kind.__name__.startswith("_"):
            yield kind.__name__


def _axes(module: nn.Module) -> tuple[int | None, int | None]:
    """The dimensions of the weight that count channels made and read, by the module's type."""
    if isinstance(module, nn.modules.conv._ConvTransposeNd):  # noqa: SLF001
        return 1, 0
    if isinstance(module, nn.modules.conv._ConvNd | nn.Linear | nn.Bilinear):  # noqa: SLF001
        return 0, 1
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return 1, None
    if type(module).__name__ == "Conv1D":  # the linear layer of GPT-2
        return 1, 0
    return None, None


def _unreachable(
    model: nn.Module, weights: dict[nn.Module, nn.Parameter], first_keys: dict[Hashable, str]
) -> tuple[Parameter, ...]:
    """The parameters with two or more dimensions that are no layer's weight, each under its first key."""
    found: dict[Hashable, Parameter] = {}
    for name, module in model.named_modules():
        for key, parameter in module.named_parameters(prefix=name, recurse=False):
            lazy = is_lazy(parameter)
            if lazy or parameter.dim() < _MATRIX or weights.get(module) is parameter:
                continue
            identity = _identity(parameter)
            if identity not in first_keys:
                found.setdefault(identity, Parameter(key, tuple(parameter.shape), type(module).__name__))
    return tuple(found.values())


def _first_keys(names: dict[nn.Module, list[str]], weights: dict[nn.Module, nn.Parameter]) -> dict[Hashable, str]:
    """The state-dict key of each weight in the first layer that owns it."""
    keys: dict[Hashable, str] = {}
    for module, weight in weights.items():
        name = names[module][0]
        keys.setdefault(_identity(weight), f"{name}.weight" if name else "weight")
    return keys


def _shared(model: nn.Module, first_keys: dict[Hashable, str]) -> dict[str, tuple[str, ...]]:
    """The further state-dict keys of each weight that has any."""
    further: dict[str, list[str]] = {key: [] for key in first_keys.values()}
    for key, parameter in model.named_parameters(remove_duplicate=False):
        first = first_keys.get(_identity(parameter), key)
        if first != key:
            further[first].append(key)
    return {first: tuple(keys) for first, keys in further.items() if keys}


def _count(model: nn.Module) -> int:
    """Number of elements of all parameters, shared ones once, those without a shape not at all."""
    shaped = (parameter for parameter in model.parameters() if not is_lazy(parameter))
    return sum({_identity(parameter): parameter.numel() for parameter in shaped}.values())


def _identity(parameter: nn.Parameter) -> Hashable:
    """Equal for parameters of which a mask on one is a mask on the other."""
    if is_lazy(parameter):
        return id(parameter)
    try:
        # Of a storage on the meta device, the address of its data is always 0: this is the storage's own.
        storage = parameter.untyped_storage()._cdata  # noqa: SLF001
        return (storage, parameter.storage_offset(), parameter.shape, parameter.stride(), parameter.dtype)
    except (NotImplementedError, RuntimeError):  # sparse and opaque tensors have no storage
        return id(parameter)


def _why_no_layer(module: nn.Module) -> Weight:
    own = _own_parameters(module)
    if (weight := own.get("weight")) is not None:
        return Weight.LAZY if is_lazy(weight) else Weight.NOT_FLOAT
    if _is_computed(module, own):
        return Weight.COMPUTED
    return Weight.NOT_FLOAT if _is_quantized(module) else Weight.NONE


def _is_computed(module: nn.Module, own: dict[str, nn.Parameter]) -> bool:
    if nn.utils.parametrize.is_parametrized(module, "weight"):
        return True
    if isinstance(getattr(type(module), "weight", None), property):
        return bool(own)  # without parameters of its own it only hands on another module's weight
    # weight_norm, spectral_norm and torch.nn.utils.prune leave a plain tensor beside `weight_g`, `weight_orig`, ...
    return "weight" in vars(module) and any(name.startswith("weight_") for name in own)


def _is_quantized(module: nn.Module) -> bool:
    """Whether `weight` is an integer buffer, or a method as in `torch.ao.nn.quantized`."""
    buffer = dict(module.named_buffers(recurse=False)).get("weight")
    if buffer is not None:
        return not buffer.is_floating_point()
    return callable(getattr(type(module), "weight", None))
