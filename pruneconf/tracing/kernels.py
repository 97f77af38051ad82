"""Shapes of results where torch has no kernel for meta tensors, a slow one, or one that asks for a GPU's dtypes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor


def _nothing() -> Tensor:
    return torch.empty(0, device="meta")


def _like(source: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(source), _nothing(), _nothing()


def _contiguous(source: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty(source.shape, dtype=source.dtype, device="meta"), _nothing(), _nothing()


def _grouped_mm(
    rows: Tensor,
    matrices: Tensor,
    offs: Tensor | None = None,
    bias: Tensor | None = None,  # noqa: ARG001
    out_dtype: torch.dtype | None = None,
) -> Tensor:
    columns, dtype = matrices.shape[-1], out_dtype or rows.dtype
    flat = 2
    if rows.dim() == flat and matrices.dim() == flat:
        groups = 1 if offs is None else offs.shape[0]
        return torch.empty(groups, rows.shape[0], columns, dtype=dtype, device="meta")
    return torch.empty(*rows.shape[:-1], columns, dtype=dtype, device="meta")


def _pointwise(source: Tensor, *_: Any, **__: Any) -> Tensor:
    return torch.empty_like(source)


def _itself(source: Tensor, *_: Any, **__: Any) -> Tensor:
    return source


# The Python kernels of norms and activations import torch._dynamo on first use, which takes over a second.
META_KERNELS: Mapping[str, Callable[..., Any]] = {
    "native_batch_norm": _like,
    "native_layer_norm": _contiguous,
    "native_group_norm": _contiguous,
    "_grouped_mm": _grouped_mm,
    **dict.fromkeys(("relu", "silu", "gelu", "hardswish", "hardsigmoid", "mish", "elu", "leaky_relu"), _pointwise),
    **dict.fromkeys(("relu_", "silu_", "gelu_", "hardswish_", "hardsigmoid_", "mish_", "elu_", "leaky_relu_"), _itself),
}
