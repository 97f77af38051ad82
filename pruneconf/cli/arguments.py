"""What MODEL and CONFIG on a command line stand for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pruneconf.config import Reading, read_configs
from pruneconf.document import read
from pruneconf.errors import PruneconfError
from pruneconf.settings import PATTERNS, settings

if TYPE_CHECKING:
    from pathlib import Path

    from pruneconf.graph import ModelGraph
    from pruneconf.tracing import Traced

CONFIG_ENDINGS = (".yaml", ".yml", ".json")
MODEL_ENDINGS = (".graph.json", ".index.json")
MOST_SECONDS = 366 * 24 * 3600

coupled_option = click.option(
    "--coupled", is_flag=True, help="Mask the same channels in coupled layers, so that they can be cut out."
)
debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show tracebacks, and what the model prints."
)


class Seconds(click.FloatRange):
    """A number of seconds that a clock can count."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As any type of click."""
        found: float = super().convert(value, param, ctx)
        if not found <= MOST_SECONDS:
            self.fail(f"{value} is no number of seconds up to {MOST_SECONDS:,}", param, ctx)
        return found


class ModelOptions(NamedTuple):
    """How a model is traced: its example inputs, the seconds it may take, whether the graph may be a remembered one."""

    inputs: tuple[str, ...] = ()
    timeout: float = 60
    cache: bool = True


_DEFAULTS = ModelOptions()
_OPTIONS = (
    click.option(
        "--input",
        "inputs",
        metavar="SHAPE",
        multiple=True,
        help="An example input, such as 1,3,224,224 or ids:1x16:int64; one for each argument of the model.",
    ),
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=Seconds(min=0, min_open=True),
        default=_DEFAULTS.timeout,
        show_default=True,
        help="How long the model's code may run.",
    ),
    click.option("--no-cache", is_flag=True, help="Trace and check anew, and remember nothing."),
    debug_option,
)


def model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of all that take a MODEL; it gets them as one keyword argument `options`."""

    @wraps(command)
    def with_options(*arguments: Any, inputs: tuple[str, ...], timeout: float, no_cache: bool, **others: Any) -> None:
        command(*arguments, options=ModelOptions(inputs, timeout, not no_cache), **others)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def _pruner(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001 - click's signature
    if value == "level":
        return value
    from pruneconf.plan import pruner_named

    return pruner_named(value)


pruner_option = click.option(
    "--pruner",
    metavar="PRUNER",
    default=lambda: settings().pruner,
    show_default="level",
    callback=_pruner,
    help="What is to carry out the config: level, or l1, l2, fpgm or random, which mask whole output channels.",
)


def note(message: str) -> None:
    """Say something on stderr that is no finding."""
    click.echo(f"pruneconf: {message}", err=True)


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise PruneconfError(f"`{path}` is there already: choose another name with `-o`") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PruneconfError(f"cannot write `{path}`: {reason}; name another file with `-o`") from error


def is_model(argument: str) -> bool:
    """Whether a positional argument names a model and not a config."""
    name, pointed, _ = argument.partition("#")
    if name == "-" or (pointed and name.endswith(".py")):
        return False
    if name.endswith(MODEL_ENDINGS):
        return True
    if name.endswith(CONFIG_ENDINGS):
        return False
    return not os.path.isdir(name) or any(os.path.exists(f"{name}/{file}") for file in ("config.json", ".metadata"))


def split(arguments: tuple[str, ...], model: str | None) -> tuple[str | None, list[str]]:
    """The model among the positional arguments, and the files of the configs; Python alone holds a config.

    Without arguments they are the files of the project.
    """
    if not arguments:
        if not settings().files:
            raise PruneconfError("name a config to check (`.yaml`, `.yml` or `.json`), and before it the model")
        return model, config_files(settings().folder)
    if model is None and is_model(arguments[0]) and (len(arguments) > 1 or not _is_python(arguments[0])):
        model, *arguments = arguments  # type: ignore[assignment]
        if not arguments:
            raise PruneconfError(_no_config(str(model)))
    for argument in arguments:
        if argument.endswith(MODEL_ENDINGS):
            raise PruneconfError(f"`{argument}` is a model: name it before the configs, or with `--model`")
    return model, [file for argument in arguments for file in config_files(argument)]


def _is_python(argument: str) -> bool:
    return argument.endswith(".py") and os.path.exists(argument)


def _no_config(model: str) -> str:
    if ":" in model or os.path.exists(model):
        return f"`{model}` is taken for the model: name a config to check against it (`.yaml`, `.yml` or `.json`)"
    from pruneconf.suggest import like_file

    return f"there is no `{model}`: {like_file(model)}"


def read_lists(name: str, stdin_filename: str | None = None) -> list[Reading]:
    """A config (FILE, FILE#/json/pointer, or `-`), or those in a Python file, read and checked against the schema."""
    document, path = read(name, stdin=sys.stdin.buffer, stdin_filename=stdin_filename)
    if document.is_python and document.parsed.unread and not path:
        from pruneconf.config.python import unread_lists

        for said in unread_lists(document):
            note(said)
    return read_configs(document, path)


def config_files(argument: str) -> list[str]:
    """The configs that an argument names: itself, or those in a directory; hidden folders are left aside."""
    if argument == "-" or not os.path.isdir(argument):
        return [argument]
    from pathlib import Path

    patterns, folder = settings().files or PATTERNS, Path(argument)
    every = {file for pattern in patterns for file in folder.rglob(pattern)}
    found = sorted(str(file) for file in every if not any(map(_is_hidden, file.relative_to(folder).parts[:-1])))
    if not found:
        raise PruneconfError(f"`{argument}` holds no config: name the file, or call it `{patterns[0]}`")
    return found


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def current_graph_of(model: str, options: ModelOptions) -> ModelGraph:
    """The graph of a model, for a command that does not lint: a note says where it is out of date."""
    graph = graph_of(model, options=options)
    if graph.changed:
        note(f"`{model}` is out of date, `{graph.changed[0]}` has changed since: write it anew with `pruneconf trace`")
    return graph


def graph_of(model: str, base: Path | None = None, options: ModelOptions = _DEFAULTS) -> ModelGraph:
    """The graph of a model: read from a graph file, else remembered, else traced in a process of its own.

    Only that process imports torch. The graph names its sources relative to `base`, the folder in which its file will
    stand; the current one where there is none.
    """
    if model.endswith(".graph.json"):
        if options.inputs:
            raise PruneconfError(
                f"`{model}` is traced already: leave `--input` out, or name the code that builds the model"
            )
        return _read_graph(model)
    if model == "-" or (not is_model(model) and not os.path.isdir(model)):
        raise PruneconfError(
            f"`{model}` is taken for a config: name the model first, `model.py` or a graph file (`*.graph.json`)"
        )
    traced = _trace(model, base, options)
    for remark in traced.notes:
        note(remark)
    return traced.graph


def _trace(model: str, base: Path | None, options: ModelOptions) -> Traced:
    from pruneconf.tracing.cache import entry_of, forget, recall, remember
    from pruneconf.tracing.order import Order
    from pruneconf.tracing.target import Weights, locate

    what = locate(model)
    if isinstance(what, Weights):
        return _of_weights(what.path, base, options)
    order = Order(model, options.inputs, str(base or "."), options.timeout)
    entry = entry_of(order, what)
    if options.cache and (known := recall(entry)) is not None:
        return known
    forget(entry)
    require_torch(f"reading `{model}`")
    from pruneconf.tracing.apart import trace_apart
    from pruneconf.tracing.result import traced_from

    data = trace_apart(order, what, debug="--debug" in sys.argv, waiting=lambda: _progress(f"tracing {model} ..."))
    traced = traced_from(data)
    if options.cache:
        remember(entry, data)
    return traced


def _of_weights(path: Path, base: Path | None, options: ModelOptions) -> Traced:
    from pruneconf.tracing.checkpoint import checkpoint_graph

    if options.inputs:
        raise PruneconfError(f"`{path}` holds weights and nothing to run: leave `--input` out")
    return checkpoint_graph(path, os.path.relpath(path, base or "."))


def _progress(message: str) -> None:
    if sys.stderr.isatty():
        note(message)


def _read_graph(path: str) -> ModelGraph:
    from pruneconf.graph import read_graph

    graph = read_graph(path)
    for remark in graph.missing:
        note(remark)
    if graph.sources:
        from pruneconf.graph.stale import changed_sources

        return graph._replace(changed=tuple(changed_sources(graph.sources, path)))
    return graph


def require_torch(purpose: str) -> None:
    """End the run with advice where torch, which `purpose` needs, is not installed."""
    import gc
    from importlib.util import find_spec

    gc.enable()  # a model may well leave more behind than a config does

    if find_spec("torch") is None:
        raise PruneconfError(
            f"{purpose} needs torch: run `pip install 'pruneconf[torch]'` (to lint or show without it, "
            "run `pruneconf trace` where torch is and pass its `.graph.json`)"
        )
