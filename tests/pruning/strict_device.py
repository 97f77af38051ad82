"""A second torch device, `strict`, on which fails what would fail on a GPU: its tensors do not mix with those in memory.

There is no hardware behind it. A tensor on it lies in host memory, but DLPack has told torch that it is elsewhere, so
that torch itself refuses `.numpy()`, many a mixture, and operators that have no kernel for the device. Those it asks
for are carried out by the CPU's kernels on the same memory, after a look at the operands.

This goes for the whole process. The device says that it is not available, so that only who names it gets it.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch.utils import backend_registration
from torch.utils._pytree import tree_flatten, tree_map_only, tree_unflatten

NAME = "strict"
STRICT = torch.device("privateuseone", 0)
COUNT = 3
"""How many such devices there are."""

_HOST, _ELSEWHERE = 1, 12
"""Kinds of devices in DLPack: the CPU, and one that is an extension."""
_SCARCE = {torch.uint16, torch.uint32, torch.uint64, *(getattr(torch, n) for n in dir(torch) if n.startswith("float8"))}
"""What GPUs move, view and fill, but hardly compute with."""
_FOR_ALL_TYPES = {"empty", "empty_strided", "view", "as_strided", "_reshape_alias", "alias", "detach", "fill_", "zero_"}
_FOR_ALL_TYPES |= {"_copy_from", "_local_scalar_dense"}

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


class _Module(backend_registration._DummyBackendModule):
    """`torch.strict`."""

    def is_available(self) -> bool:
        return False

    def device_count(self) -> int:
        return COUNT


def _on(tensor: torch.Tensor, kind: int, index: int = 0) -> torch.Tensor:
    """The same memory as a tensor on another device."""
    capsule = torch._C._to_dlpack(tensor)
    device = (ctypes.c_int32 * 2).from_address(_pointer(capsule, b"dltensor") + ctypes.sizeof(ctypes.c_void_p))
    device[0], device[1] = kind, index
    return torch._C._from_dlpack(capsule)


def _flat(tensor: torch.Tensor) -> torch.Tensor:
    """All that is in a tensor's storage."""
    size = tensor.untyped_storage().nbytes() // tensor.element_size()
    return torch.ops.inductor._reinterpret_tensor(tensor, (size,), (1,), -tensor.storage_offset())


def _in(storage: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A tensor like another, in the storage of one that is flat."""
    same = storage if storage.dtype == like.dtype else storage.view(like.dtype)
    return torch.ops.inductor._reinterpret_tensor(same, like.shape, like.stride(), like.storage_offset())


def _is_strict(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type == NAME


def _carry_out(op: Any, *args: Any, **kwargs: Any) -> Any:
    """What an operator does to tensors on the device."""
    leaves, spec = tree_flatten((_with_tensors(op, args), kwargs))
    name = op._schema.name.removeprefix("aten::")
    index = _index(op, name, leaves)
    here = [_here(leaf) if _is_strict(leaf) else leaf for leaf in leaves]
    if name == "_copy_from":
        here[1].copy_(here[0])
        return leaves[1]
    here = [torch.device("cpu") if isinstance(leaf, torch.device) else leaf for leaf in here]
    args, kwargs = tree_unflatten(here, spec)
    found = op(*args, **kwargs)
    for leaf, alias in zip(leaves, here, strict=True):
        if _is_strict(leaf) and leaf.shape != alias.shape:
            leaf.data = _in(_on(_flat(alias), _ELSEWHERE, index), alias)
    return tree_map_only(torch.Tensor, lambda each: _back(each, leaves, here, index), found)


def _here(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory as a tensor on the CPU; where there is none, a tensor that can be given some."""
    if not tensor.numel():
        return torch.empty(tensor.shape, dtype=tensor.dtype)
    return _in(_on(_flat(tensor), _HOST), tensor)


def _with_tensors(op: Any, args: tuple[Any, ...]) -> list[Any]:
    """The arguments of an operator, with tensors where it takes those but torch has numbers."""
    kinds = [str(each.type) for each in op._schema.arguments]
    return [
        torch.tensor(arg) if kind == "Tensor" and isinstance(arg, int | float) else arg
        for arg, kind in zip(args, kinds, strict=False)
    ]


def _index(op: Any, name: str, leaves: list[Any]) -> int:
    """The number of the device that an operator is for.

    Raises RuntimeError or NotImplementedError where the operator would fail on a GPU, or would bring something there
    without being told to, as indices.
    """
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    apart = {leaf.device for leaf in tensors if leaf.dim() or _is_strict(leaf)}
    if len(apart) > 1 and name != "_copy_from":
        raise RuntimeError(f"{op}: expected all tensors to be on the same device, found {apart}")
    types = {tensor.dtype for tensor in tensors} | {leaf for leaf in leaves if isinstance(leaf, torch.dtype)}
    if types & _SCARCE and name not in _FOR_ALL_TYPES:
        raise NotImplementedError(f"{op} is not implemented for {types & _SCARCE} on {NAME}")
    named = [leaf for leaf in leaves if isinstance(leaf, torch.device)] or [each for each in apart if each.type == NAME]
    index = named[0].index or 0
    if index >= COUNT:
        raise RuntimeError(f"{NAME} error: invalid device ordinal {index}")
    return index


def _back(found: torch.Tensor, leaves: list[Any], here: list[Any], index: int) -> torch.Tensor:
    """What a kernel gave, on the device: one of the operands, a view of one, or something new."""
    for leaf, alias in zip(leaves, here, strict=True):
        if alias is found and not _is_strict(leaf):
            raise RuntimeError(f"expected all tensors to be on the same device, but the result is on {leaf.device}")
        if alias is found:
            return leaf
        if _is_strict(leaf) and found.untyped_storage()._cdata == alias.untyped_storage()._cdata:
            return _in(_flat(leaf), found)
    return _in(_on(_flat(found), _ELSEWHERE, index), found)


def _deepcopy(tensor: torch.Tensor, memo: dict[int, Any], others: Any = torch.Tensor.__deepcopy__) -> torch.Tensor:
    """A copy, for which torch would take memory from an allocator, and there is none that could be written in Python."""
    if not _is_strict(tensor) or id(tensor) in memo:
        return others(tensor, memo)
    memo[id(tensor)] = tensor.detach().clone().requires_grad_(tensor.requires_grad)
    return memo[id(tensor)]


torch.Tensor.__deepcopy__ = _deepcopy
backend_registration._setup_privateuseone_for_python_backend(NAME, _Module())
_LIBRARY = torch.library.Library("_", "IMPL")
_LIBRARY.fallback(_carry_out, "PrivateUse1")
