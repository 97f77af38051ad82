"""Models inside DataParallel, DistributedDataParallel and torch.compile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


def inside(model: nn.Module) -> nn.Module:
    """The model itself, without the wrappers around it that only hand on what they are called with."""
    while (inner := _inner(model)) is not None:
        model = inner
    return model


def _inner(model: nn.Module) -> nn.Module | None:
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        module: nn.Module = model.module
        return module
    inner = vars(model).get("_modules", {}).get("_orig_mod")  # what torch.compile wraps
    return inner if isinstance(inner, nn.Module) else None


@contextmanager
def compiled_code_as_written() -> Iterator[None]:
    """Run what torch.compile has wrapped without compiling it, which would take long and hide its modules."""
    if "torch._dynamo" not in sys.modules:  # nothing is compiled, and importing it takes a second
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield
