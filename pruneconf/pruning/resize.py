"""Give a model's tensors other sizes, and its modules the numbers that say so."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pruneconf.errors import PruneconfError

Shape = tuple[int, ...]


def load_compact(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Make a model that its code builds at full size the compact one whose weights `pruneconf apply --compact` wrote.

    Works on the model in place. Raises PruneconfError where the file cannot be read, or is another model's.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise PruneconfError(f"cannot read `{path}` ({error}); give the `compact.safetensors` of an output") from error
    fit(model, tensors)


def fit(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put tensors in the places of a model's parameters and buffers, by name; shapes may differ.

    The attributes of `torch.nn` modules that count channels follow. A parameter that several modules share stays
    shared. Raises PruneconfError where the model has no tensor of a name.
    """
    exchanged: dict[int, nn.Parameter] = {}
    left = set(tensors)
    for prefix, module in model.named_modules(remove_duplicate=False):
        before = tuple(module.weight.shape) if isinstance(getattr(module, "weight", None), Tensor) else ()
        for own, parameter in list(module._parameters.items()):  # noqa: SLF001 - there is no other way to see slots
            name = f"{prefix}.{own}" if prefix else own
            if parameter is not None and name in tensors:
                left.discard(name)
                new = nn.Parameter(_beside(tensors[name], parameter), parameter.requires_grad)
                module._parameters[own] = exchanged.setdefault(id(parameter), new)  # noqa: SLF001
        for own, buffer in list(module._buffers.items()):  # noqa: SLF001
            name = f"{prefix}.{own}" if prefix else own
            if buffer is not None and name in tensors:
                left.discard(name)
                module._buffers[own] = _beside(tensors[name], buffer)  # noqa: SLF001
        _follow(module, before)
    if left:
        raise PruneconfError(f"the model has no `{min(left)}`; take the model of which these tensors are")


def _beside(tensor: Tensor, former: Tensor) -> Tensor:
    """A tensor on the device of the one in whose place it comes, unless that has no values."""
    return tensor if former.is_meta else tensor.to(former.device)


def _follow(module: nn.Module, before: Shape) -> None:
    """Set the attributes of a module that follow from the shape of its weight."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or tuple(weight.shape) == before:
        return
    for kinds, sizes in _SIZES:
        if isinstance(module, kinds):
            for name, value in sizes(module, tuple(weight.shape), before).items():
                setattr(module, name, value)
    if type(module).__name__ == "Conv1D":  # the linear layer of GPT-2
        vars(module).update(nx=weight.shape[0], nf=weight.shape[1])


def _convolution(module: Any, shape: Shape, before: Shape) -> dict[str, int]:
    groups = int(module.groups)
    if groups == module.in_channels and groups > 1:  # depthwise: with its channels go groups
        groups = groups * shape[0] // before[0]
    return {"in_channels": shape[1] * groups, "out_channels": shape[0], "groups": groups}


def _transposed(module: Any, shape: Shape, before: Shape) -> dict[str, int]:
    groups = int(module.groups)
    if groups == module.in_channels and groups > 1:
        groups = groups * shape[0] // before[0]
    return {"in_channels": shape[0], "out_channels": shape[1] * groups, "groups": groups}


_SIZES: tuple[tuple[type | tuple[type, ...], Callable[[Any, Shape, Shape], dict[str, Any]]], ...] = (
    ((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), _transposed),
    ((nn.Conv1d, nn.Conv2d, nn.Conv3d), _convolution),
    (nn.Linear, lambda _module, shape, _before: {"out_features": shape[0], "in_features": shape[1]}),
    (nn.modules.batchnorm._NormBase, lambda _module, shape, _before: {"num_features": shape[0]}),  # noqa: SLF001
    (nn.GroupNorm, lambda _module, shape, _before: {"num_channels": shape[0]}),
    ((nn.LayerNorm, nn.RMSNorm), lambda _module, shape, _before: {"normalized_shape": shape}),
    (nn.PReLU, lambda _module, shape, _before: {"num_parameters": shape[0]}),
    (nn.Embedding, lambda _module, shape, _before: {"num_embeddings": shape[0], "embedding_dim": shape[1]}),
)
