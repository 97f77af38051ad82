"""`pruneconf trace`."""

from __future__ import annotations

from pathlib import Path

import click

from pruneconf.cli.arguments import debug_option, graph_of, input_option, note


@click.command("trace", short_help="Write the model graph, so that later runs need no torch.")
@click.argument("model")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it; default NAME.graph.json.")
@input_option
@debug_option
def command(model: str, output: Path | None, inputs: tuple[str, ...]) -> None:
    """Write the graph of MODEL to a *.graph.json file, which every command takes in place of the model."""
    from pruneconf.graph import write_graph

    path = output or Path(f"{Path(model.partition(':')[0]).stem}.graph.json")
    graph = graph_of(model, path.parent, inputs)
    write_graph(graph, path)
    note(f"wrote {path}: {len(graph.layers)} layers, {graph.parameters:,} parameters")
