"""From what the user named to a built model: `model.py`, `model.py:attr`, `package.module:attr`, a directory."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

from torch import Tensor, nn

from pruneconf.errors import PruneconfError
from pruneconf.graph.stale import file_digest
from pruneconf.suggest import did_you_mean, nearest
from pruneconf.tracing.chain import Source, traced
from pruneconf.tracing.checkpoint import checkpoint_graph
from pruneconf.tracing.facts import FactTable
from pruneconf.tracing.failure import advice, describe, needs_values
from pruneconf.tracing.forward import Attempt, best_attempt
from pruneconf.tracing.guess import guesses
from pruneconf.tracing.inputs import ATTRIBUTE, ExampleInputs, InputSpec, inputs_from_specs, inputs_from_value
from pruneconf.tracing.modules import module_graph
from pruneconf.tracing.pretrained import load_pretrained
from pruneconf.tracing.result import Traced
from pruneconf.tracing.shadow import Shadow
from pruneconf.tracing.target import Code, Pretrained, Weights, locate
from pruneconf.tracing.user_code import Project, import_file, running

USUAL_NAMES = ("model", "build_model", "get_model", "create_model")
"""Where a model is looked for in a file when no attribute is named, in this order."""

Device = Literal["meta", "cpu"]


class Built(NamedTuple):
    """A model, the example inputs that its file holds, and the values known of its tensors."""

    model: nn.Module
    inputs: ExampleInputs | None
    facts: FactTable


def load_graph(target: str, base: Path | None = None, inputs: Sequence[InputSpec] = ()) -> Traced:
    """The graph of the model that `target` names; `graph.sources` are relative to `base` (the current directory).

    The model is built on the meta device, without memory for its weights, and its forward pass traced there, with
    `inputs` if given, else with the `example_inputs` of its file, else with likely ones. Code that needs values is run
    again on the CPU, and a note says so. Of weights alone, the headers tell names and shapes. Raises PruneconfError
    where the model cannot be found or built, or where `example_inputs` are nothing to call it with.
    """
    what = locate(target)
    root = (base or Path.cwd()).resolve()
    if isinstance(what, Weights):
        return checkpoint_graph(what.path, _relative(what.path, root))
    given = inputs_from_specs(inputs) if inputs else None
    with _offline():
        try:
            return _load(what, root, given, "meta")
        except PruneconfError as error:
            cause = error.__cause__
            if not isinstance(what, Code) or cause is None or not needs_values(cause):
                raise
            reason = describe(cause, Project.around(what.path), what.path)
        note = f"`{what.name}` was built on the CPU, because it needs the values of tensors: {reason}"
        traced = _load(what, root, given, "cpu")
        return Traced(traced.graph, (note, *traced.notes))


def build(target: str, device: Device = "cpu") -> nn.Module:
    """The model that `target` names; on the CPU with the weights that its code gives it, on meta without any.

    Raises PruneconfError where it cannot be found or built there.
    """
    what = locate(target)
    if isinstance(what, Weights):
        raise PruneconfError(f"`{target}` holds weights and no model; name the code that builds it, e.g. `model.py`")
    with _built(what, device) as (built, _):
        return built.model


def _load(what: Code | Pretrained, root: Path, given: ExampleInputs | None, device: Device) -> Traced:
    main = what.path if isinstance(what, Code) else None
    with _built(what, device, inputs=given is None) as (built, files):
        graph = module_graph(built.model, _source(what, root))
        chosen = given or built.inputs
        again = _real_attempt(what, root, given) if device == "meta" else None
        result = traced(built.model, graph, chosen, built.facts, Source(_project(what), main, root), on_cpu=again)
    sources = {_relative(file, root): file_digest(file) for file in files}
    return Traced(result.graph._replace(sources=dict(sorted(sources.items()))), result.notes)


def _real_attempt(what: Code | Pretrained, root: Path, given: ExampleInputs | None) -> Callable[[], Attempt | None]:
    """A forward pass with real values, of the model built anew on the CPU; None where that cannot be had."""

    def attempt() -> Attempt | None:
        if isinstance(what, Pretrained):
            return None
        try:
            with _built(what, "cpu", inputs=given is None) as (built, _):
                chosen = given or built.inputs
                candidates = guesses(built.model) if chosen is None else [chosen]
                return best_attempt(built.model, candidates, FactTable(), root, on_meta=False)
        except PruneconfError:
            return None

    return attempt


@contextmanager
def _built(what: Code | Pretrained, device: Device, *, inputs: bool = False) -> Iterator[tuple[Built, list[Path]]]:
    """The model, inside the place in which its code runs; afterwards the list holds the files that define it."""
    project, facts = _project(what), FactTable()
    name = what.name if isinstance(what, Code) else str(what.directory)
    defining: list[Path] = []
    with running(project, name, "meta" if device == "meta" else None) as files:
        with Shadow(facts, guessing=False) if device == "meta" else nullcontext():
            if isinstance(what, Pretrained):
                model, example = load_pretrained(what.directory, weights=device == "cpu"), None
            else:
                model, example = _model_in(what, project, inputs=inputs)
        yield Built(model, example, facts), defining
    defining += files if isinstance(what, Code) else [what.directory / "config.json"]


def _project(what: Code | Pretrained) -> Project:
    return Project.around(what.path if isinstance(what, Code) else what.directory / "config.json")


def _model_in(code: Code, project: Project, *, inputs: bool) -> tuple[nn.Module, ExampleInputs | None]:
    def guarded(what: str, run: Callable[[], Any]) -> Any:
        try:
            return run()
        except (Exception, SystemExit) as error:
            reason = describe(error, project, code.path)
            raise PruneconfError(f"{what}: {reason}; {advice(error, code.path)}") from error

    module = guarded(f"`{code.name}` cannot be imported", lambda: _import(code))
    name, value = _attribute(module, code)
    model = value
    if not isinstance(value, nn.Module):
        _check_callable(code, project, name, value)
        model = guarded(f"`{name}` in `{code.name}` failed", value)
    if not isinstance(model, nn.Module):
        raise PruneconfError(
            f"`{name}` in `{code.name}`{_line(value, project)} returned a `{type(model).__name__}`; "
            "it must return a `torch.nn.Module`"
        )
    example = getattr(module, ATTRIBUTE, None) if inputs else None
    if example is None:
        return model, None
    if callable(example) and not isinstance(example, Tensor | nn.Module):
        example = guarded(f"`{ATTRIBUTE}` in `{code.name}` failed", example)
    return model, inputs_from_value(example, f"from `{ATTRIBUTE}`")


def _import(code: Code) -> ModuleType:
    return importlib.import_module(code.name) if code.path is None else import_file(code.path)


def _attribute(module: ModuleType, code: Code) -> tuple[str, Any]:
    """The name and value that hold the model, or make it."""
    if code.attribute is None:
        return _usual_attribute(module, code)
    value: Any = module
    for part in code.attribute.split("."):
        if not hasattr(value, part):
            raise PruneconfError(f"`{code.name}` has no `{code.attribute}`{_near(part, value)}")
        value = getattr(value, part)
    return code.attribute, value


def _usual_attribute(module: ModuleType, code: Code) -> tuple[str, Any]:
    found = {name: getattr(module, name) for name in USUAL_NAMES if hasattr(module, name)}
    # `from timm import create_model` is no way to build this model: prefer what can be used as it is.
    usable = (name for name, value in found.items() if callable(value) and not _required(value))
    name = next(usable, None) or next(iter(found), None)
    if name is None:
        own = [key for key, value in vars(module).items() if _makes_modules(value, module)]
        names = ", ".join(f"`{usual}`" for usual in USUAL_NAMES)
        instead = f"name what it has: `{code.name}:{own[-1]}`" if own else "define one, or name another: `FILE.py:attr`"
        raise PruneconfError(f"`{code.name}` has none of {names}; {instead}")
    return name, found[name]


def _makes_modules(value: Any, module: ModuleType) -> bool:
    if isinstance(value, type) and issubclass(value, nn.Module):
        return value.__module__ == module.__name__
    return isinstance(value, nn.Module)


def _near(part: str, value: Any) -> str:
    names = [name for name in dir(value) if not name.startswith("_")]
    return f"; {did_you_mean(nearest(part, names)) or 'name a module, or a function that returns one'}"


def _check_callable(code: Code, project: Project, name: str, value: Any) -> None:
    if not callable(value):
        raise PruneconfError(
            f"`{name}` in `{code.name}` is a `{type(value).__name__}`; name a `torch.nn.Module`, "
            "or a function without required arguments that returns one"
        )
    if required := _required(value):
        raise PruneconfError(
            f"`{name}` in `{code.name}`{_line(value, project)} needs arguments: {', '.join(required)}; "
            "name a function that needs none and calls it with the right ones"
        )


def _required(value: Any) -> list[str]:
    """The parameters that making a model cannot leave out, in backticks."""
    if isinstance(value, nn.Module):
        return []
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:  # it does not tell
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [f"`{each.name}`" for each in parameters if each.default is each.empty and each.kind not in optional]


def _line(value: Any, project: Project) -> str:
    function = vars(value).get("__init__") if isinstance(value, type) else inspect.unwrap(value)
    code = getattr(function, "__code__", None)
    return f" (line {code.co_firstlineno})" if code is not None and project.owns(code.co_filename) else ""


def _source(what: Code | Pretrained, root: Path) -> str:
    """What the user named, with paths as seen from `root`."""
    if isinstance(what, Pretrained):
        return _relative(what.directory, root)
    name = what.name if what.path is None else _relative(what.path, root)
    return name if what.attribute is None else f"{name}:{what.attribute}"


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path.resolve(), root)).as_posix()


@contextmanager
def _offline() -> Iterator[None]:
    """Keep transformers from fetching weights that no graph needs, unless the user's environment allows it."""
    unset = "HF_HUB_OFFLINE" not in os.environ
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        yield
    finally:
        if unset:
            del os.environ["HF_HUB_OFFLINE"]
