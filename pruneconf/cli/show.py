"""`pruneconf show`."""

from __future__ import annotations

import sys

import click

from pruneconf.cli.arguments import coupled_option, debug_option, graph_of, input_option, pruner_option, sound_config

PIPED_WIDTH = 1000
"""Columns of a table that no terminal shows: wide enough that nothing is cut off."""


@click.command("show", short_help="Show what a config will do to every layer of a model.")
@click.argument("model")
@click.argument("config")
@click.option(
    "--format", "output_format", type=click.Choice(["table", "tree", "json"]), default="table", show_default=True
)
@input_option
@pruner_option
@coupled_option
@debug_option
def command(
    model: str, config: str, output_format: str, pruner: str, inputs: tuple[str, ...], *, coupled: bool
) -> None:
    """Show the plan: what CONFIG will do to every layer of MODEL, before anything runs."""
    from pruneconf.plan import check_channels, resolve

    graph = graph_of(model, inputs=inputs)
    plan = resolve(sound_config(config, graph), graph, pruner=pruner, coupled=coupled)
    check_channels(plan)
    if output_format == "json":
        import json

        from pruneconf.output.plan_data import plan_data

        click.echo(json.dumps(plan_data(plan), indent=1, ensure_ascii=False))
        return
    from rich.console import Console

    from pruneconf.output.plan_table import print_table, print_tree

    piped = None if sys.stdout.isatty() else PIPED_WIDTH
    console = Console(highlight=False, width=piped)
    draw = print_table if output_format == "table" else print_tree
    draw(plan, console)
