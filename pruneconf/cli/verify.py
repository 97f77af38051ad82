"""`pruneconf verify`."""

from __future__ import annotations

from pathlib import Path

import click

from pruneconf.cli.arguments import (
    ModelOptions,
    coupled_option,
    current_graph_of,
    model_options,
    pruner_option,
    require_torch,
)
from pruneconf.cli.linted import sound_config
from pruneconf.errors import PruneconfError


@click.command("verify", short_help="Check that a pruned checkpoint satisfies a config.")
@click.argument("model")
@click.argument("config")
@click.argument("output", type=click.Path(path_type=Path))
@pruner_option
@coupled_option
@model_options
@click.pass_context
def command(
    ctx: click.Context, /, model: str, config: str, output: Path, pruner: str, *, coupled: bool, options: ModelOptions
) -> None:
    """Check that OUTPUT, which `apply` wrote, is what CONFIG asks of MODEL: counts, masks, zeros, digests."""
    if output.is_file():
        raise PruneconfError(f"`{output}` is a file: the order is MODEL, CONFIG, and the directory that `apply` wrote")
    require_torch("verifying")
    from pruneconf.plan import resolve
    from pruneconf.pruning import verify
    from pruneconf.rules.words import counted

    graph = current_graph_of(model, options)
    plan = resolve(sound_config(config, graph, pruner), graph, pruner=pruner, coupled=coupled)
    verdict = verify(plan, output)
    if verdict.ok:
        masked, checked = counted(verdict.masked, "weight"), counted(verdict.weights, "layer")
        click.echo(f"{output} satisfies {config}: {masked} masked, {checked} checked")
        return
    first = verdict.faults[0]
    click.echo(f"{output} does not satisfy {config}: {first.reason}")
    if len(verdict.faults) > 1:
        click.echo(f"and {len(verdict.faults) - 1} more")
    ctx.exit(1)
