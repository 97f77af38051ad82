"""`pruneconf verify`."""

from __future__ import annotations

from pathlib import Path

import click

from pruneconf.cli.arguments import (
    coupled_option,
    debug_option,
    graph_of,
    input_option,
    pruner_option,
    require_torch,
    sound_config,
)


@click.command("verify", short_help="Check that a pruned checkpoint satisfies a config.")
@click.argument("model")
@click.argument("config")
@click.argument("output", type=click.Path(path_type=Path))
@input_option
@pruner_option
@coupled_option
@debug_option
@click.pass_context
def command(
    ctx: click.Context, /, model: str, config: str, output: Path, pruner: str, inputs: tuple[str, ...], *, coupled: bool
) -> None:
    """Check that OUTPUT, which `apply` wrote, is what CONFIG asks of MODEL: counts, masks, zeros, digests."""
    require_torch("verifying")
    from pruneconf.plan import resolve
    from pruneconf.pruning import verify

    graph = graph_of(model, inputs=inputs)
    plan = resolve(sound_config(config, graph, pruner), graph, pruner=pruner, coupled=coupled)
    verdict = verify(plan, output)
    if verdict.ok:
        click.echo(f"{output} satisfies {config}: {verdict.masked:,} weights masked, {verdict.weights} layers checked")
        return
    first = verdict.faults[0]
    click.echo(f"{output} does not satisfy {config}: {f'`{first.layer}`: ' if first.layer else ''}{first.reason}")
    if len(verdict.faults) > 1:
        click.echo(f"and {len(verdict.faults) - 1} more")
    ctx.exit(1)
