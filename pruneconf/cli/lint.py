"""`pruneconf lint`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pruneconf.cli.arguments import debug_option, graph_of, note, pruner_option, readings, split

if TYPE_CHECKING:
    from pruneconf.findings import Finding
    from pruneconf.graph import ModelGraph
    from pruneconf.rules.choose import Chosen


@click.command("lint", short_help="Check configs; with a model, also against that model.")
@click.argument("arguments", nargs=-1, required=True, metavar="[MODEL] CONFIG...")
@click.option("--model", metavar="MODEL", help="The model, where it is not the first argument.")
@pruner_option
@click.option("--select", metavar="RULES", multiple=True, help="Only these rules: codes, code prefixes or names.")
@click.option("--ignore", metavar="RULES", multiple=True, help="Not these rules.")
@click.option("--strict", is_flag=True, help="Warnings fail the run too.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--stdin-filename", metavar="NAME", help="What to call the config read from `-`.")
@click.option("--verbose", is_flag=True, help="Show infos too.")
@click.option("--quiet", is_flag=True, help="Show errors only, and no summary.")
@debug_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    arguments: tuple[str, ...],
    model: str | None,
    pruner: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    output_format: str,
    stdin_filename: str | None,
    **shown: bool,
) -> None:
    """Check configs, and with a MODEL also what they would do to it.

    MODEL is a model.py (or model.py:attr, package.module:attr) or a *.graph.json written by `pruneconf trace`. CONFIG
    is a YAML or JSON file, a directory, or `-` for standard input; CONFIG#/json/pointer names a list inside a file.
    """
    from pruneconf.rules import lint
    from pruneconf.rules.choose import chooser

    chosen = chooser(select, ignore)
    model, configs = split(arguments, model)
    if not configs:
        ctx.fail(f"`{model}` is a model: name a config to check against it")
    graph = None
    findings: list[Finding] = []
    files = 0
    for files, reading in enumerate(readings(configs, stdin_filename), 1):  # noqa: B007 - files is their count
        graph = graph or (_graph(model, chosen) if model else None)
        findings += (finding for finding in lint(reading, graph, pruner) if chosen(finding.rule))
    if output_format == "json":
        _print_json(findings, files)
    else:
        _print_text(findings, files, model, configs, **shown)
    failing = {"error", "warning"} if shown["strict"] else {"error"}
    ctx.exit(int(any(finding.severity in failing for finding in findings)))


def _graph(model: str, chosen: Chosen) -> ModelGraph:
    """The graph of the model; where it was not traced, a note says which rules could not be checked."""
    from pruneconf.graph import Origin

    graph = graph_of(model)
    if graph.origin is not Origin.OPERATORS:
        from pruneconf.rules.registry import rules

        unchecked = [rule.info.code for rule in rules("graph") if chosen(rule.info)]
        if unchecked:
            note(f"checked without a traced forward pass, which {', '.join(unchecked)} need")
    return graph


def _print_json(findings: Sequence[Finding], files: int) -> None:
    import json

    from pruneconf.output.findings_json import findings_data

    click.echo(json.dumps(findings_data(findings, files), indent=1, ensure_ascii=False))


def _print_text(
    findings: Sequence[Finding], files: int, model: str | None, configs: Sequence[str], **shown: bool
) -> None:
    from pruneconf.output.style import painter
    from pruneconf.output.summary import summary

    levels = {"error"} if shown["quiet"] else {"error", "warning"}
    if shown["verbose"]:
        levels.add("info")
    visible = [finding for finding in findings if finding.severity in levels]
    paint = painter(sys.stdout)
    if visible:
        from pruneconf.output.text import render

        click.echo(render(visible, paint), nl=False, color=True)
    if not shown["quiet"]:
        click.echo(summary(visible, files, model, configs[0], paint), color=True)
