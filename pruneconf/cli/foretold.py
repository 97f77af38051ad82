"""What `pruneconf apply --dry-run` says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pruneconf.cli.arguments import note
from pruneconf.cli.progress import amount

if TYPE_CHECKING:
    from pruneconf.plan import Plan
    from pruneconf.pruning import Forecast


def tell_forecast(plan: Plan, expected: Forecast, output: Path) -> None:
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
