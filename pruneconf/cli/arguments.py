"""What MODEL and CONFIG on a command line stand for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from pruneconf.config import Config, Reading, read_config
from pruneconf.document import read
from pruneconf.errors import PruneconfError

if TYPE_CHECKING:
    from pathlib import Path

    from pruneconf.graph import ModelGraph

CONFIG_ENDINGS = (".yaml", ".yml", ".json")
MODEL_ENDINGS = (".graph.json", ".index.json")
PATTERNS = ("*.prune.yaml", "*.prune.yml", "*.prune.json", "pruneconf.yaml", "pruneconf.yml", "pruneconf.json")
"""What a config is called, where a whole directory is searched."""

coupled_option = click.option(
    "--coupled", is_flag=True, help="Mask the same channels in coupled layers, so that they can be cut out."
)
input_option = click.option(
    "--input",
    "inputs",
    metavar="SHAPE",
    multiple=True,
    help="An example input, such as 1,3,224,224 or ids:1x16:int64; one for each argument of the model.",
)
debug_option = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of a bug.")


def _pruner(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001 - click's signature
    if value == "level":
        return value
    from pruneconf.plan import pruner_named

    return pruner_named(value)


pruner_option = click.option(
    "--pruner",
    metavar="PRUNER",
    default="level",
    show_default=True,
    callback=_pruner,
    help="What is to carry out the config: level, or l1, l2, fpgm or random, which mask whole output channels.",
)


def note(message: str) -> None:
    """Say something on stderr that is no finding."""
    click.echo(f"pruneconf: {message}", err=True)


def is_model(argument: str) -> bool:
    """Whether a positional argument names a model and not a config."""
    name = argument.partition("#")[0]
    if name == "-":
        return False
    if name.endswith(MODEL_ENDINGS):
        return True
    if name.endswith(CONFIG_ENDINGS):
        return False
    return not os.path.isdir(name) or os.path.exists(f"{name}/config.json")


def split(arguments: tuple[str, ...], model: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The model and the configs among the positional arguments."""
    if model is None and arguments and is_model(arguments[0]):
        return arguments[0], arguments[1:]
    return model, arguments


def readings(configs: tuple[str, ...], stdin_filename: str | None = None) -> Iterator[Reading]:
    """Every config that the arguments name, read and checked against the schema."""
    for argument in configs:
        for name in _files(argument):
            document, path = read(name, stdin=sys.stdin.buffer, stdin_filename=stdin_filename)
            yield read_config(document, path)


def _files(argument: str) -> list[str]:
    if argument == "-" or not os.path.isdir(argument):
        return [argument]
    from pathlib import Path

    found = sorted({str(file) for pattern in PATTERNS for file in Path(argument).rglob(pattern)})
    if not found:
        raise PruneconfError(f"`{argument}` holds no config: name the file, or call it `{PATTERNS[0]}`")
    return found


def graph_of(model: str, base: Path | None = None, inputs: Sequence[str] = ()) -> ModelGraph:
    """The graph of a model: read from a graph file without torch, else traced with these example inputs.

    The graph names its sources relative to `base`, the folder in which its file will stand.
    """
    if model.endswith(".graph.json"):
        return _read_graph(model)
    require_torch(f"reading `{model}`")
    from pruneconf.tracing import load_graph, parse_input

    traced = load_graph(model, base, [parse_input(text) for text in inputs])
    for remark in traced.notes:
        note(remark)
    return traced.graph


def _read_graph(path: str) -> ModelGraph:
    from pruneconf.graph import read_graph

    graph = read_graph(path)
    for remark in graph.missing:
        note(remark)
    if graph.sources:
        from pathlib import Path

        from pruneconf.graph.stale import changed_sources

        changed = changed_sources(graph, Path(path))
        if changed:
            note(f"`{path}` is out of date, `{changed[0]}` has changed since: write it anew with `pruneconf trace`")
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


def sound_config(config: str, graph: ModelGraph, pruner: str) -> Config:
    """The config at this place, linted against the model; its errors are shown and end the run."""
    from pruneconf.findings import Severity
    from pruneconf.output.style import painter
    from pruneconf.output.text import render
    from pruneconf.rules import lint

    (reading,) = readings((config,))
    errors = [finding for finding in lint(reading, graph, pruner) if finding.severity is Severity.ERROR]
    if errors or reading.config is None:
        click.echo(render(errors, painter(sys.stderr)), nl=False, err=True)
        note(f"`{config}` has {len(errors)} error{'s' * (len(errors) != 1)}: mend it first, nothing was done")
        raise click.exceptions.Exit(1)
    return reading.config
