"""`pruneconf apply`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pruneconf.cli.arguments import (
    ModelOptions,
    coupled_option,
    graph_of,
    model_options,
    note,
    pruner_option,
    require_torch,
    sound_config,
)
from pruneconf.errors import PruneconfError

if TYPE_CHECKING:
    from pruneconf.plan import Plan
    from pruneconf.pruning import Source
    from pruneconf.pruning.report import CompactReport


@click.command("apply", short_help="Prune: write the masked weights, the masks and a report.")
@click.argument("model")
@click.argument("config")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The directory to write.")
@click.option("--weights", type=click.Path(path_type=Path), help="A checkpoint, in place of the built model's weights.")
@click.option(
    "--masks",
    type=click.Choice(["bool", "packed", "none"]),
    default="bool",
    show_default=True,
    help="How to store the masks: a byte an element, a bit, or not at all.",
)
@pruner_option
@click.option("--seed", type=int, default=0, show_default=True, help="The seed of the pruner random.")
@coupled_option
@click.option(
    "--compact",
    is_flag=True,
    help="Cut the masked channels out as well (implies --coupled), and prove that the outputs stay the same.",
)
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there.")
@click.option("--resume", is_flag=True, help="Go on where a run that was killed stopped.")
@model_options
def command(  # noqa: PLR0913 - one for each option
    model: str,
    config: str,
    output: Path,
    weights: Path | None,
    masks: str,
    pruner: str,
    seed: int,
    *,
    coupled: bool,
    compact: bool,
    force: bool,
    resume: bool,
    options: ModelOptions,
) -> None:
    """Prune MODEL by CONFIG: set the weights of smallest magnitude to zero, exactly as many as the config says.

    Amounts count single weights with the pruner level, and whole output channels with the others.

    The weights are those of the built model, or of a checkpoint given with --weights: a .safetensors file, a
    *.safetensors.index.json with its shards, a transformers directory, or a .pt file with a state dict. OUTPUT gets the
    masked weights, masks.safetensors and report.json; it appears whole or not at all. With --compact it also gets
    compact.safetensors, which `pruneconf.load_compact` loads into a model that its code has built.
    """
    require_torch("pruning")
    from pruneconf.output.style import command_line
    from pruneconf.plan import resolve
    from pruneconf.pruning import CutOut, apply
    from pruneconf.tracing import build_to_run, parse_input

    if compact and model.endswith(".graph.json"):
        raise PruneconfError(f"`{model}` has no code with which to try the smaller model: name that code as the model")
    graph = graph_of(model, options=options)
    plan = resolve(sound_config(config, graph, pruner), graph, pruner=pruner, coupled=coupled or compact)
    for entry in plan.layers:
        if entry.held:
            note(f"`{entry.layer.name}`: {entry.held}")
    cut_out = CutOut(*build_to_run(model, [parse_input(text) for text in options.inputs])) if compact else None
    source = weights or _weights_of(model)
    graph_file = Path(model) if model.endswith(".graph.json") else None
    with _progress() as progress:
        report = apply(
            plan,
            source,
            output,
            masks=masks,
            seed=seed,
            force=force,
            resume=resume,
            graph_file=graph_file,
            cut_out=cut_out,
            progress=progress,
        )
    totals = report.totals
    click.echo(f"{totals.masked:,} of {totals.numel:,} weights masked ({100 * totals.sparsity:.1f} %) in {output}")
    if report.compact:
        _tell_compact(report.compact, output)
    click.echo(f"next: {command_line('pruneconf', 'verify', model, config, str(output), *_as_now(plan, options))}")


def _as_now(plan: Plan, options: ModelOptions) -> Iterator[str]:
    """The options with which `verify` makes the same plan."""
    if plan.structured:
        yield from ("--pruner", plan.pruner)
    if plan.coupled:
        yield "--coupled"
    for text in options.inputs:
        yield from ("--input", text)


def _tell_compact(compact: CompactReport, output: Path) -> None:
    for layer, why in compact.left.items():
        note(f"`{layer}`: {why}; its masked channels stay in")
    click.echo(
        f"{compact.compact_parameters:,} of {compact.parameters:,} parameters are left in "
        f"{output}/compact.safetensors; its outputs differ by {compact.difference:.1g} of the largest"
    )


def _weights_of(model: str) -> Source:
    if model.endswith(".graph.json"):
        raise PruneconfError(f"`{model}` has no weights in it: name a checkpoint with --weights")
    if Path(model).is_dir() or model.endswith((".safetensors", ".index.json")):
        return Path(model)
    from pruneconf.tracing import build

    return build(model)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show how many bytes are written, where someone looks."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress("writing", *columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("writing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
