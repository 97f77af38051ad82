"""`pruneconf show`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pruneconf.cli.arguments import (
    ModelOptions,
    coupled_option,
    current_graph_of,
    model_options,
    pruner_option,
    require_torch,
)
from pruneconf.cli.linted import sound_config, tell, weighed
from pruneconf.errors import PruneconfError

if TYPE_CHECKING:
    from pruneconf.graph import ModelGraph
    from pruneconf.plan import Plan

PIPED_WIDTH = 1000
"""Columns of a table that no terminal shows: wide enough that nothing is cut off."""


@click.command("show", short_help="Show what a config will do to every layer of a model.")
@click.argument("model")
@click.argument("config", required=False)
@click.option(
    "--format", "output_format", type=click.Choice(["table", "tree", "json"]), default="table", show_default=True
)
@click.option(
    "--groups", is_flag=True, help="Show which channels can only be removed together; CONFIG may be left out."
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="A checkpoint to rank (needs torch): then it is known how much each layer of a total loses.",
)
@pruner_option
@coupled_option
@model_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    config: str | None,
    output_format: str,
    weights: Path | None,
    pruner: str,
    options: ModelOptions,
    *,
    groups: bool,
    coupled: bool,
) -> None:
    """Show the plan: what CONFIG will do to every layer of MODEL, before anything runs."""
    from pruneconf.plan import check_channels, resolve

    if config is None and not (groups and output_format != "json"):
        ctx.fail("name a CONFIG" + (" (`pruneconf trace` writes the groups alone as JSON)" if groups else ""))
    graph = current_graph_of(model, options)
    plan = None
    if config:
        plan = resolve(sound_config(config, graph, pruner), graph, pruner=pruner, coupled=coupled)
        check_channels(plan)
        plan = _weighed(plan, weights) if weights else plan
    if plan is not None and output_format == "json":
        _print_json(plan, groups=groups)
    elif plan is None or groups:
        _print_groups(graph, plan)
    else:
        _print_plan(plan, output_format)


def _weighed(plan: Plan, weights: Path) -> Plan:
    """The plan with what each layer loses, by the ranking of its weights."""
    require_torch("ranking weights")
    from pruneconf.plan import Action
    from pruneconf.pruning import foresee

    masked = foresee(plan, weights)
    tell(weighed(plan, masked))
    known = (
        entry._replace(masked=masked[entry.layer.name]) if entry.action is Action.PRUNE else entry
        for entry in plan.layers
    )
    return plan._replace(layers=tuple(known))


def _print_json(plan: Plan, *, groups: bool) -> None:
    import json

    from pruneconf.output.plan_data import couplings_data, plan_data

    data = plan_data(plan) | ({"couplings": couplings_data(plan.graph)} if groups else {})
    click.echo(json.dumps(data, indent=1, ensure_ascii=False))


def _print_groups(graph: ModelGraph, plan: Plan | None) -> None:
    from pruneconf.graph import Origin
    from pruneconf.output.groups import groups_text
    from pruneconf.output.style import painter

    if not graph.is_typed:
        raise PruneconfError(
            f"`{graph.source}` does not tell how its layers are connected: name the code that builds the model"
        )
    if graph.origin is not Origin.OPERATORS:
        raise PruneconfError(
            f"`{graph.source}` was not traced, so it is not known which channels go together: "
            "write its graph anew with `pruneconf trace`, with `--input` where it asks for that"
        )
    click.echo(groups_text(graph, plan, painter(sys.stdout)), nl=False, color=True)


def _print_plan(plan: Plan, output_format: str) -> None:
    from shutil import get_terminal_size

    from pruneconf.output.plan_table import table_text, tree_text
    from pruneconf.output.style import painter

    paint = painter(sys.stdout)
    columns = get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH
    text = table_text(plan, paint, columns) if output_format == "table" else tree_text(plan, paint)
    click.echo(text, nl=False, color=True)
