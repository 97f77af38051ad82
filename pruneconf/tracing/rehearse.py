"""Build a model to run it on example inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pruneconf.errors import PruneconfError
from pruneconf.tracing.guess import guesses
from pruneconf.tracing.inputs import FORMS, InputSpec, inputs_from_specs, on_device
from pruneconf.tracing.load import built_on_cpu


def build_to_run(target: str, inputs: Sequence[InputSpec] = ()) -> tuple[nn.Module, Callable[[nn.Module], Any]]:
    """The model that `target` names, with values, and a function that runs such a model on example inputs.

    These are `inputs` if given, else those of the model's file, else likely ones with which it runs. Floating-point
    tensors that hold a single value are filled with random ones, which show more. Raises PruneconfError where the model
    cannot be built, or no inputs are known.
    """
    model, own = built_on_cpu(target)
    model.eval()
    chosen = inputs_from_specs(inputs) if inputs else own
    for candidate in [chosen] if chosen else guesses(model):
        args, kwargs = on_device(candidate, _telling)

        def run(other: nn.Module, args: Any = args, kwargs: Any = kwargs) -> Any:
            return other(*args, **kwargs)

        if chosen or _runs(model, run):
            return model, run
    raise PruneconfError(f"`{target}` cannot be run, because its inputs are not known; give {FORMS}")


def _runs(model: nn.Module, run: Callable[[nn.Module], Any]) -> bool:
    try:
        with torch.no_grad():
            run(model)
    except Exception:  # noqa: BLE001 - a guess may fail in any way
        return False
    return True


def _telling(tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        tensor = torch.zeros(tensor.shape, dtype=tensor.dtype)
    if tensor.is_floating_point() and tensor.numel() and bool((tensor == tensor.flatten()[0]).all()):
        return torch.randn(tensor.shape, generator=torch.Generator().manual_seed(0)).to(tensor.dtype)
    return tensor.cpu()
