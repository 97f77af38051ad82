"""`pruneconf apply`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pruneconf.cli.arguments import (
    ModelOptions,
    Seconds,
    coupled_option,
    current_graph_of,
    model_options,
    note,
    pruner_option,
    require_torch,
)
from pruneconf.cli.linted import linted_config, tell, weighed
from pruneconf.cli.progress import amount, progress
from pruneconf.errors import PruneconfError

if TYPE_CHECKING:
    from pruneconf.findings import Finding
    from pruneconf.histogram import Histogram
    from pruneconf.plan import Plan
    from pruneconf.pruning import Forecast, Report, Source
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
@click.option("--device", default="cpu", show_default=True, help="The torch device to rank on, such as cuda.")
@coupled_option
@click.option(
    "--compact",
    is_flag=True,
    help="Cut the masked channels out as well (implies --coupled), and prove that the outputs stay the same.",
)
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be read and written, and how long that takes; write nothing."
)
@click.option("--resume", is_flag=True, help="Go on where a run that was killed stopped.")
@click.option(
    "--stall-timeout",
    metavar="SECONDS",
    type=Seconds(1),
    default=60,
    show_default=True,
    help="Under torchrun: after how many seconds without a sign of life of a process all end.",
)
@model_options
def command(  # noqa: PLR0913 - one for each option
    model: str,
    config: str,
    output: Path,
    weights: Path | None,
    masks: str,
    pruner: str,
    seed: int,
    device: str,
    *,
    coupled: bool,
    compact: bool,
    force: bool,
    dry_run: bool,
    resume: bool,
    stall_timeout: float,
    options: ModelOptions,
) -> None:
    """Prune MODEL by CONFIG: set the weights of smallest magnitude to zero, exactly as many as the config says.

    Amounts count single weights with the pruner level, and whole output channels with the others.

    The weights are those of the built model, or of a checkpoint given with --weights: a .safetensors file, a
    *.safetensors.index.json with its shards, a transformers directory, a .pt file with a state dict, or a directory of
    torch.distributed.checkpoint, which becomes model.safetensors (shards and an index above 5 GB). OUTPUT gets the
    masked weights, masks.safetensors, report.json and report.html, a page to look at; it appears whole or not at all.
    With --compact it also gets compact.safetensors, which `pruneconf.load_compact` loads into a model that its code has
    built.

    Under torchrun its processes share the work; they have to see the same files.

    With --dry-run the exit status is 1 where the disk has too little room for OUTPUT. The time is extrapolated from
    ranking, masking and hashing a few of the weights, and from 500 MB/s for the disk.
    """
    if "RANK" in os.environ:  # of the processes that torchrun started, one says what is wrong, and nothing in C++
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    require_torch("pruning")
    from dataclasses import asdict

    from pruneconf.output.page import report_page
    from pruneconf.output.style import command_line
    from pruneconf.plan import resolve
    from pruneconf.pruning import CutOut, apply, forecast, joined, left_out
    from pruneconf.tracing import build_to_run, parse_input

    with joined(stall_timeout, click.exceptions.Exit) as team:
        if compact and model.endswith(".graph.json"):
            raise PruneconfError(
                f"`{model}` has no code with which to try the smaller model: name that code as the model"
            )
        graph = current_graph_of(model, options)
        sound, findings = linted_config(config, graph, pruner)
        if team.leads:
            _tell_warnings(findings, command_line("pruneconf", "lint", model, config, *_lint_options(pruner, options)))
        plan = resolve(sound, graph, pruner=pruner, coupled=coupled or compact)
        for entry in plan.layers:
            if entry.held:
                note(f"`{entry.layer.name}`: {entry.held}")
        source = weights or _weights_of(model)
        graph_file = Path(model) if model.endswith(".graph.json") else None
        if dry_run:
            expected = forecast(plan, source, output, masks=masks, force=force, graph_file=graph_file, compact=compact)
            _tell_forecast(plan, expected, output)
            return
        cut_out = CutOut(*build_to_run(model, [parse_input(text) for text in options.inputs])) if compact else None

        def page(report: Report, spread: Mapping[str, Histogram]) -> str:
            return report_page(asdict(report), plan, spread, [*findings, *weighed(plan, report.masked)])

        with progress(sys.stderr) as told:
            report = apply(
                plan,
                source,
                output,
                masks=masks,
                seed=seed,
                force=force,
                resume=resume,
                device=device,
                graph_file=graph_file,
                cut_out=cut_out,
                page=page,
                progress=told,
                team=team,
            )
        if team.leads and isinstance(source, Path) and source.is_dir():
            _tell_left_out(source, left_out(source, {Path(name).name for name in (*report.inputs, *report.outputs)}))
        tell(weighed(plan, report.masked))
        totals = report.totals
        click.echo(f"{totals.masked:,} of {totals.numel:,} weights masked ({100 * totals.sparsity:.1f} %) in {output}")
        if report.compact:
            _tell_compact(report.compact, output)
        click.echo(f"next: {command_line('pruneconf', 'verify', model, config, str(output), *_as_now(plan, options))}")


def _as_now(plan: Plan, options: ModelOptions) -> Iterator[str]:
    """The options with which `verify` makes the same plan."""
    yield from _lint_options(plan.pruner, options)
    if plan.coupled:
        yield "--coupled"


def _lint_options(pruner: str, options: ModelOptions) -> Iterator[str]:
    if pruner != "level":
        yield from ("--pruner", pruner)
    for text in options.inputs:
        yield from ("--input", text)


def _tell_warnings(findings: Sequence[Finding], lint: str) -> None:
    """Say that there are warnings, and how to see them; they are in the report's page too."""
    from pruneconf.findings import Severity

    number = sum(finding.severity is Severity.WARNING for finding in findings)
    if number:
        note(f"the linter has {number} warning{'s' * (number > 1)} about this: {lint}")


def _tell_left_out(folder: Path, files: Sequence[str]) -> None:
    if files:
        names = ", ".join(f"`{file}`" for file in files)
        note(f"not copied from `{folder}`, since they may hold weights that are not pruned: {names}")


def _tell_forecast(plan: Plan, expected: Forecast, output: Path) -> None:
    """Say what a run would do; end with 1 where it could not."""
    from pruneconf.output.plan_table import total_lines

    for line in total_lines(plan):
        click.echo(line)
    parts = {"weights": expected.weights, "masks": expected.masks, "everything else": expected.others}
    click.echo(f"read: {amount(expected.read)} in {expected.files} file{'s' * (expected.files != 1)}")
    written = ", ".join(f"{what} {amount(size)}" for what, size in parts.items() if size)
    click.echo(f"write: about {amount(expected.written)} ({written})")
    click.echo(f"free: {amount(expected.free)} on the disk of {output}")
    click.echo(
        f"time: {_seconds(expected.ranking + expected.writing)}, of which ranking {_seconds(expected.ranking)} "
        "(extrapolated from a few of the weights, and 500 MB/s for the disk)"
    )
    if expected.free < expected.written:
        short = amount(expected.written - expected.free)
        note(f"there is no room for `{output}`: {short} are missing; free some, or choose another output")
        raise click.exceptions.Exit(1)


def _seconds(number: float) -> str:
    if number < 1:
        return "less than a second"
    minutes, seconds = divmod(round(number), 60)
    hours, minutes = divmod(minutes, 60)
    return "about " + (
        f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    )


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
