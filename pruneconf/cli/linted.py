"""The config of a command that carries it out or shows what it does: linted first, against the model."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from pruneconf.cli.arguments import config_files, note, read_lists
from pruneconf.config import Config, only
from pruneconf.errors import PruneconfError
from pruneconf.settings import settings

if TYPE_CHECKING:
    from pruneconf.findings import Finding
    from pruneconf.graph import ModelGraph
    from pruneconf.plan import Plan


def sound_config(config: str, graph: ModelGraph, pruner: str) -> Config:
    """The config at this place, linted against the model; its errors are shown and end the run."""
    return linted_config(config, graph, pruner)[0]


def linted_config(config: str, graph: ModelGraph, pruner: str) -> tuple[Config, list[Finding]]:
    """The same, and what the linter says about it short of errors."""
    from pruneconf.findings import Severity
    from pruneconf.rules import lint

    file, *others = config_files(config)
    if others:
        raise PruneconfError(f"`{config}` holds {1 + len(others)} configs: name one of them, such as `{file}`")
    reading = only(read_lists(file))
    found = settings().applied(lint(reading, graph, pruner))
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    if errors or reading.config is None:
        tell(errors)
        note(f"`{config}` has {len(errors)} error{'s' * (len(errors) != 1)}: mend it first, nothing was done")
        raise click.exceptions.Exit(1)
    return reading.config, found


def weighed(plan: Plan, masked: Mapping[str, int]) -> list[Finding]:
    """What the linter finds once it is known how many elements of each layer are masked."""
    from pruneconf.rules import engine

    return settings().applied(engine.weighed(plan, masked))


def tell(findings: list[Finding]) -> None:
    """Show findings on stderr."""
    from pruneconf.output.style import painter
    from pruneconf.output.text import render

    if findings:
        click.echo(render(findings, painter(sys.stderr)), nl=False, err=True)
