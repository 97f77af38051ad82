"""Build a model to run it on example inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pruneconf.errors import PruneconfError
from pruneconf.tracing.failure import advice, describe
from pruneconf.tracing.guess import guesses
from pruneconf.tracing.inputs import FORMS, ExampleInputs, InputSpec, inputs_from_specs, on_device
from pruneconf.tracing.load import built_on_cpu, project_of
from pruneconf.tracing.target import Code, Pretrained, locate_model
from pruneconf.tracing.user_code import running

Run = Callable[[nn.Module], Any]


def build_to_run(target: str, inputs: Sequence[InputSpec] = ()) -> tuple[nn.Module, Run]:
    """The model that `target` names, with values, and a function that runs such a model on example inputs.

    These are `inputs` if given, else those of the model's file, else likely ones with which it runs. Floating-point
    tensors that hold a single value are filled with random ones, which show more. The function raises PruneconfError,
    with the line of the model's code, where that fails. Raises PruneconfError where the model cannot be built, does not
    run, or no inputs are known.
    """
    what = locate_model(target)
    model, own = built_on_cpu(target)
    model.eval()
    chosen = inputs_from_specs(inputs) if inputs else own
    for candidate in [chosen] if chosen else guesses(model):
        run = _runner(what, candidate)
        try:
            with torch.no_grad():
                run(model)
        except PruneconfError as error:
            if chosen:
                main = what.path if isinstance(what, Code) else None
                hint = advice(error.__cause__ or error, main)
                raise PruneconfError(f"`{target}` does not run with {candidate}: {error}; {hint}") from error
            continue
        return model, run
    raise PruneconfError(f"`{target}` cannot be run, because its inputs are not known; give {FORMS}")


def _runner(what: Code | Pretrained, inputs: ExampleInputs) -> Run:
    args, kwargs = on_device(inputs, _telling)
    project, main = project_of(what), what.path if isinstance(what, Code) else None
    name = what.name if isinstance(what, Code) else str(what.directory)

    def run(model: nn.Module) -> Any:
        try:
            with running(project, name, None):
                return model(*args, **kwargs)
        except (Exception, SystemExit) as error:
            raise PruneconfError(describe(error, project, main)) from error

    return run


def _telling(tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        tensor = torch.zeros(tensor.shape, dtype=tensor.dtype)
    if tensor.is_floating_point() and tensor.numel() and bool((tensor == tensor.flatten()[0]).all()):
        return torch.randn(tensor.shape, generator=torch.Generator().manual_seed(0)).to(tensor.dtype)
    return tensor.cpu()
