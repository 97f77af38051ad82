"""Between torch tensors, checkpoints and a plan: which tensor is which layer's weight, and is it fit to be ranked."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.device import DeviceArray
from pruneconf.pruning.floats import FORMATS, Format, Weights
from pruneconf.pruning.level import pruned
from pruneconf.wrappers import StoredNames

Kind = tuple[str, tuple[int, ...]]
"""The dtype and the shape of a tensor; the dtype as torch names it (`float32`) or safetensors (`F32`)."""

_OTHER_MODEL = "give the weights of the model that the config is for"

_PREFIX = "model."
"""What training frameworks put before the names of a model's parameters, and many models have themselves."""

_SIGNED = {8: torch.int8, 16: torch.int16, 32: torch.int32, 64: torch.int64}
"""What torch can view the patterns of a width as, and compute with on every device."""

_BY_NAME = {name: known for known in FORMATS for name in (known.name, known.code)}


def format_of(dtype: str) -> Format:
    """The format of a dtype that the pruner can rank or mask. Raises PruneconfError where it cannot."""
    if dtype not in _BY_NAME:
        known = ", ".join(known.name for known in FORMATS)
        raise PruneconfError(f"cannot mask a tensor of dtype {dtype}, only {known}; convert it first")
    return _BY_NAME[dtype]


def kind_of(tensor: torch.Tensor) -> Kind:
    """The kind of a torch tensor."""
    return str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)


def locate(plan: Plan, available: Mapping[str, Kind], source: str) -> dict[str, tuple[str, ...]]:
    """The names under which `source` holds each parameter that a plan prunes, with or without those of wrappers.

    Raises PruneconfError naming the first weight that is missing, misshapen or not of a dtype that can be ranked, and
    how many more there are. A float dtype other than the model's is fine: checkpoints are often stored in halves.
    """
    where: dict[str, tuple[str, ...]] = {}
    faults = []
    wanted = pruned(plan)
    stored = StoredNames(available)
    for layer in {layer.parameter: layer for layer in plan.graph.layers}.values():
        names = (layer.parameter, *plan.graph.shared.get(layer.parameter, ()))
        found = tuple(dict.fromkeys(name for each in names if (name := stored.of(each)) is not None))
        needed = layer.parameter in wanted
        faults += [fault for name in found if (fault := _misfit(name, available[name], layer.shape, ranked=needed))]
        if needed:
            where[layer.parameter] = found
            faults += [] if found else [_missing(layer.parameter, available)]
    if faults:
        what, remedy = faults[0]
        more = f" (the first of {len(faults)} weights that do not fit)" if len(faults) > 1 else ""
        raise PruneconfError(f"{source} {what}{more}; {remedy}")
    return {parameter: where[parameter] for parameter in wanted}


def _missing(parameter: str, available: Collection[str]) -> tuple[str, str]:
    found, remedy = like(parameter, available)
    return f"lacks `{parameter}`" + found, remedy or _OTHER_MODEL


def _misfit(name: str, kind: Kind, shape: tuple[int, ...], *, ranked: bool) -> tuple[str, str] | None:
    dtype, actual = kind
    if actual != shape:
        return f"has `{name}` of shape {list(actual)}, expected {list(shape)}", _OTHER_MODEL
    if ranked and dtype not in _BY_NAME:
        known = ", ".join(known.name for known in FORMATS)
        return f"has `{name}` of dtype {dtype}, expected one of {known}", "convert it first"
    return None


def like(parameter: str, available: Collection[str]) -> tuple[str, str]:
    """Where only a prefix keeps a parameter from being available: a clause that says so, and what to do."""
    if _PREFIX + parameter in available:
        return f" but has `{_PREFIX}{parameter}`", f"strip the prefix `{_PREFIX}` that stands before its names"
    inner = parameter.removeprefix(_PREFIX)
    if inner in available:
        return f" but has `{inner}`", f"the prefix `{_PREFIX}` comes from a model around this one: use that inside it"
    return "", ""


def weights_of(layer: str, tensor: torch.Tensor) -> Weights:
    """The elements of a tensor as bit patterns, where it is: its own memory where it is contiguous, else a copy."""
    if tensor.is_meta:
        raise PruneconfError(f"the weight of `{layer}` is on the meta device and has no values; load the weights first")
    if tensor.layout is not torch.strided:
        raise PruneconfError(f"the weight of `{layer}` has layout {tensor.layout}; make it dense first")
    known = format_of(kind_of(tensor)[0])
    patterns = tensor.detach().contiguous().reshape(-1).view(_SIGNED[known.width])
    return Weights(layer, known, patterns.numpy().view(known.unsigned) if _in_memory(tensor) else DeviceArray(patterns))


def _in_memory(tensor: torch.Tensor) -> bool:
    return tensor.device.type == "cpu"


def write_back(tensor: torch.Tensor, weights: Weights) -> None:
    """Make a tensor hold the bit patterns of weights that were taken from it and have been changed since."""
    bits = weights.bits
    patterns = (
        bits.patterns
        if isinstance(bits, DeviceArray)
        else torch.from_numpy(bits[:].view(f"<i{weights.format.width // 8}"))
    )
    if bits.size and patterns.data_ptr() != tensor.data_ptr():
        tensor.data.copy_(patterns.view(tensor.dtype).reshape(tensor.shape))
    if not tensor.is_inference():
        torch.autograd.graph.increment_version(tensor)


def as_mask(mask: torch.Tensor, tensor: torch.Tensor, form: str) -> torch.Tensor:
    """A mask as a tensor beside its weight: of the weight's shape, or flat where it is packed."""
    return (mask if form == "packed" else mask.reshape(tensor.shape)).to(tensor.device)


def unpack(mask: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """A packed mask (one bit an element, the first in the highest bit) as a bool tensor of its weight's shape."""
    size = int(np.prod(shape, dtype=np.int64))
    return torch.from_numpy(np.unpackbits(mask.cpu().numpy(), count=size).view(np.bool_)).reshape(shape)
