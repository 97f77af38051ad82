"""`pruneconf apply`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
from pruneconf.cli.foretold import tell_forecast
from pruneconf.cli.linted import linted_config, tell, weighed
from pruneconf.cli.progress import progress
from pruneconf.errors import PruneconfError

if TYPE_CHECKING:
    from pruneconf.findings import Finding
    from pruneconf.histogram import Histogram
    from pruneconf.plan import Plan
    from pruneconf.pruning import Report, Source
    from pruneconf.pruning.report import CompactReport
    from pruneconf.pruning.team import Team


class _Order(NamedTuple):
    """What is asked for on the command line, beside how long to wait for others."""

    model: str
    config: str
    output: Path
    weights: Path | None
    masks: str
    pruner: str
    seed: int | None
    device: str
    coupled: bool
    compact: bool
    force: bool
    dry_run: bool
    resume: bool
    options: ModelOptions

    @property
    def graph_file(self) -> Path | None:
        """The model, if that is a graph without code."""
        return Path(self.model) if self.model.endswith(".graph.json") else None

    def source(self) -> Source:
        """The weights: a checkpoint, or those of the model, which is built."""
        if self.weights:
            return self.weights
        if self.graph_file:
            raise PruneconfError(f"`{self.model}` has no weights in it: name a checkpoint with --weights")
        if Path(self.model).is_dir() or self.model.endswith((".safetensors", ".index.json")):
            return Path(self.model)
        from pruneconf.tracing import build

        return build(self.model)


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
    help="How to store the masks: a byte an element, a bit (see pruneconf.pruning.unpack), or not at all.",
)
@pruner_option
@click.option("--seed", type=int, help="The seed of the pruner random, 0 if it is left out.")
@click.option("--device", default="cpu", show_default=True, help="The torch device to rank on, such as cuda.")
@coupled_option
@click.option(
    "--compact",
    is_flag=True,
    help="Cut the masked channels out as well (implies --coupled), and prove that the outputs stay the same.",
)
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there and not empty.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be read and written, and how long that takes; write nothing."
)
@click.option("--resume", is_flag=True, help="Go on where a run that was killed stopped; needs --weights.")
@click.option(
    "--stall-timeout",
    metavar="SECONDS",
    type=Seconds(1),
    default=60,
    show_default=True,
    help="Under torchrun: after how many seconds without a sign of life of a process all end.",
)
@model_options
def command(*, stall_timeout: float, **asked: Any) -> None:
    """Prune MODEL by CONFIG: set the weights of smallest magnitude to zero, exactly as many as the config says.

    Amounts count single weights with the pruner level, and whole output channels with the others.

    The weights are those of the built model, or of a checkpoint given with --weights: a .safetensors file, a
    *.safetensors.index.json with its shards, a transformers directory, a .pt file with a state dict, or a directory of
    torch.distributed.checkpoint, which becomes model.safetensors (shards and an index above 5 GB). OUTPUT gets the
    masked weights, masks.safetensors, report.json and report.html, a page to look at; it appears whole or not at all.
    With --compact it also gets compact.safetensors, which `pruneconf.load_compact` loads into a model that its code has
    built.

    Under torchrun (torchrun --nproc-per-node 4 -m pruneconf apply ...) its processes share the work on a checkpoint;
    they have to see the same files.

    A run that was killed leaves what it finished in a hidden directory beside OUTPUT: the same command with --resume
    takes it over, without --resume clears it away.

    With --dry-run the exit status is 1 where the disk has too little room for OUTPUT. The time is extrapolated from
    ranking, masking and hashing a few of the weights, and from 500 MB/s for the disk.
    """
    if "RANK" in os.environ:  # of the processes that torchrun started, one says what is wrong, and nothing in C++
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    require_torch("pruning")
    from pruneconf.pruning import joined

    order = _Order(**asked)
    with joined(stall_timeout, click.exceptions.Exit) as team:
        _check(order)
        plan, findings = _planned(order, team)
        if order.dry_run:
            _foretell(order, plan)
        else:
            _prune(order, plan, findings, team)


def _check(order: _Order) -> None:
    """Raise PruneconfError where options do not go together."""
    if order.seed is not None and order.pruner != "random":
        raise PruneconfError(f"`--seed` is for the pruner `random`, not `{order.pruner}`; leave it out")
    if order.compact and order.graph_file:
        raise PruneconfError(
            f"`{order.model}` has no code with which to try the smaller model: name that code as the model"
        )


def _planned(order: _Order, team: Team) -> tuple[Plan, list[Finding]]:
    """The plan, and what the linter says about its config; its warnings are pointed out."""
    from pruneconf.output.style import command_line
    from pruneconf.plan import resolve

    graph = current_graph_of(order.model, order.options)
    sound, findings = linted_config(order.config, graph, order.pruner)
    if team.leads:
        options = _lint_options(order.pruner, order.options)
        _tell_warnings(findings, command_line("pruneconf", "lint", order.model, order.config, *options))
    plan = resolve(sound, graph, pruner=order.pruner, coupled=order.coupled or order.compact)
    for entry in plan.layers:
        if entry.held:
            note(f"`{entry.layer.name}`: {entry.held}")
    return plan, findings


def _foretell(order: _Order, plan: Plan) -> None:
    from pruneconf.pruning import forecast

    expected = forecast(
        plan,
        order.source(),
        order.output,
        masks=order.masks,
        force=order.force,
        graph_file=order.graph_file,
        compact=order.compact,
    )
    tell_forecast(plan, expected, order.output)


def _prune(order: _Order, plan: Plan, findings: list[Finding], team: Team) -> None:
    from dataclasses import asdict

    from pruneconf.output.page import report_page
    from pruneconf.pruning import CutOut, apply
    from pruneconf.tracing import build_to_run, parse_input

    def page(report: Report, spread: Mapping[str, Histogram]) -> str:
        return report_page(asdict(report), plan, spread, [*findings, *weighed(plan, report.masked)])

    source, inputs = order.source(), [parse_input(text) for text in order.options.inputs]
    cut_out = CutOut(*build_to_run(order.model, inputs)) if order.compact else None
    with progress(sys.stderr) as told:
        report = apply(
            plan,
            source,
            order.output,
            masks=order.masks,
            seed=order.seed,
            force=order.force,
            resume=order.resume,
            device=order.device,
            graph_file=order.graph_file,
            cut_out=cut_out,
            page=page,
            progress=told,
            team=team,
        )
    if team.leads and isinstance(source, Path) and source.is_dir():
        _tell_left_out(source, report)
    _tell_report(order, plan, report)


def _tell_report(order: _Order, plan: Plan, report: Report) -> None:
    """Say what was done, and what to do next."""
    from pruneconf.output.style import command_line

    tell(weighed(plan, report.masked))
    totals, output = report.totals, order.output
    click.echo(f"{totals.masked:,} of {totals.numel:,} weights masked ({100 * totals.sparsity:.1f} %) in {output}")
    if report.compact:
        _tell_compact(report.compact, output)
    verify = "verify", order.model, order.config, str(output), *_as_now(plan, order.options)
    click.echo(f"next: {command_line('pruneconf', *verify)}")


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


def _tell_left_out(folder: Path, report: Report) -> None:
    from pruneconf.pruning import left_out

    files = left_out(folder, {Path(name).name for name in (*report.inputs, *report.outputs)})
    if files:
        names = ", ".join(f"`{file}`" for file in files)
        note(f"not copied from `{folder}`, since they may hold weights that are not pruned: {names}")


def _tell_compact(compact: CompactReport, output: Path) -> None:
    for layer, why in compact.left.items():
        note(f"`{layer}`: {why}; its masked channels stay in")
    click.echo(
        f"{compact.compact_parameters:,} of {compact.parameters:,} parameters are left in "
        f"{output}/compact.safetensors; its outputs differ by {compact.difference:.1g} of the largest"
    )
