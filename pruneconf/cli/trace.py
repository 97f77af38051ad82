"""`pruneconf trace`."""

from __future__ import annotations

from pathlib import Path

import click

from pruneconf.cli.arguments import debug_option, graph_of, note
from pruneconf.errors import PruneconfError

ENDING = ".graph.json"


@click.command("trace", short_help="Write the model graph, so that later runs need no torch.")
@click.argument("model")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it; default NAME.graph.json.")
@debug_option
def command(model: str, output: Path | None) -> None:
    """Write the graph of MODEL to a *.graph.json file, which every command takes in place of the model."""
    from pruneconf.graph import write_graph

    if model.endswith(ENDING):
        raise PruneconfError(f"`{model}` is a model graph already: every command takes it in place of the model")
    path = output or Path(_name(model) + ENDING)
    if not path.name.endswith(ENDING):
        raise PruneconfError(f"`{path}` would not be taken for a graph file: call it `{path.with_suffix(ENDING)}`")
    graph = graph_of(model, path.parent)
    write_graph(graph, path)
    note(f"wrote {path}: {len(graph.layers)} layers, {graph.parameters:,} parameters")


def _name(model: str) -> str:
    """What a model is called, after its file, module or directory."""
    name = Path(model.partition(":")[0]).resolve().name
    return name.removesuffix(".index.json").removesuffix(".safetensors").removesuffix(".py")
