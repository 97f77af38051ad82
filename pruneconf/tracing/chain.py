"""The graph of a model: from the operators of a forward pass, else from what can be had, and never silently less."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from torch import nn
from torch.nn.parameter import is_lazy

from pruneconf.errors import PruneconfError
from pruneconf.graph import ModelGraph
from pruneconf.tracing.facts import FactTable
from pruneconf.tracing.failure import describe, needs_values
from pruneconf.tracing.forward import Attempt, best_attempt, with_attempt
from pruneconf.tracing.guess import guesses
from pruneconf.tracing.inputs import ATTRIBUTE, FORMS, ExampleInputs, inputs_from_value
from pruneconf.tracing.modules import module_graph
from pruneconf.tracing.result import Traced
from pruneconf.tracing.user_code import Project
from pruneconf.tracing.wrapped import inside


class Source(NamedTuple):
    """Where a model comes from: the user's directories, the file that builds it, and the root for names of files."""

    project: Project
    main: Path | None
    root: Path

    def describe(self, error: BaseException) -> str:
        """What went wrong, and where in the user's files."""
        return describe(error, self.project, self.main)


def trace(
    model: nn.Module, example_inputs: object = None, *, source: str | None = None, root: Path | None = None
) -> ModelGraph:
    """The graph of a model that is already built, on any device, with or without values; the model stays as it was.

    `example_inputs` is a tensor, a tuple of arguments, a dict of keyword arguments or `(args, kwargs)`; without them,
    likely ones are tried. `source` is what messages and files call the model; its class name where none is given.
    Files are named as seen from `root`, the current directory unless it is given. `graph.missing` says what is not
    known. Raises PruneconfError where `model` is no `torch.nn.Module`, or the inputs have no such form.
    """
    if not isinstance(model, nn.Module):
        raise PruneconfError(f"cannot trace a `{type(model).__name__}`; give a `torch.nn.Module`")
    given = None if example_inputs is None else inputs_from_value(example_inputs, "as given")
    graph = module_graph(model, source or type(model).__name__)
    return traced(model, graph, given, FactTable(), Source(Project.around(None), None, root or Path.cwd())).graph


def traced(
    model: nn.Module,
    graph: ModelGraph,
    given: ExampleInputs | None,
    facts: FactTable,
    origin: Source,
    *,
    on_cpu: Callable[[], Attempt | None] | None = None,
) -> Traced:
    """The graph of the module tree with what a forward pass tells, by the best way that works.

    First over meta tensors; where that needs values, over real ones: with `on_cpu`, else with the model's own if
    it has them. A forward pass that breaks off tells what it called. `graph.missing` and the notes say what is missing.
    """
    if type(inside(model)).forward is nn.Module.forward:
        candidates = []
    else:
        candidates = [given] if given is not None else list(guesses(model))
    attempt = best_attempt(model, candidates, facts, origin.root)
    missing: tuple[str, ...] = ()
    if attempt is not None and attempt.error is not None and needs_values(attempt.error):
        again = on_cpu or (lambda: _with_values(model, candidates, origin.root))
        if _fits(graph) and (real := again()) is not None and real.error is None:
            reason = origin.describe(attempt.error)
            why = f"the forward pass ran on the CPU, because it needs the values of tensors: {reason}"
            missing = (f"{why}; what other values would run is not known",)
            attempt = real
    return _explained(graph, attempt, model, origin, missing, given=given is not None)


def _with_values(model: nn.Module, candidates: Iterable[ExampleInputs], root: Path) -> Attempt | None:
    if any(parameter.device.type != "cpu" for parameter in model.parameters()):
        return None
    return best_attempt(model, candidates, FactTable(), root, on_meta=False)


def _fits(graph: ModelGraph) -> bool:
    """Whether twice the weights would fit into the free memory, at four bytes each."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return graph.parameters < 1 << 28
    return graph.parameters * 4 * 2 < free


def _explained(
    graph: ModelGraph,
    attempt: Attempt | None,
    model: nn.Module,
    origin: Source,
    missing: tuple[str, ...],
    *,
    given: bool,
) -> Traced:
    """The graph with what is missing, which is also what the user should know."""
    if attempt is not None:
        graph = with_attempt(graph, attempt)
    if attempt is None:
        missing = (_no_attempt(model),)
    elif attempt.error is not None:
        reason = origin.describe(attempt.error)
        missing = (f"the forward pass with {attempt.inputs} broke off: {reason}; {_advice(given=given)}",)
    missing = (*missing, *graph.missing)
    return Traced(graph._replace(missing=missing), missing)


def _no_attempt(model: nn.Module) -> str:
    if type(inside(model)).forward is nn.Module.forward:
        return f"the forward pass was not traced, because `{type(inside(model)).__name__}` has no `forward`"
    if any(is_lazy(parameter) for parameter in model.parameters()):
        return (
            "the forward pass was not traced, because lazy layers have no shape before it; "
            "run it once where the model is built"
        )
    return f"the forward pass was not traced, because its inputs are not known; {_advice(given=False)}"


def _advice(*, given: bool) -> str:
    if given:
        return f"mend the inputs: {FORMS}, or `{ATTRIBUTE}` beside the model"
    return f"say which inputs it takes: {FORMS}, or `{ATTRIBUTE} = ...` beside the model"
