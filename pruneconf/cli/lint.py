"""`pruneconf lint`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import click

from pruneconf.cli.arguments import ModelOptions, graph_of, model_options, note, pruner_option, read_lists, split
from pruneconf.errors import PruneconfError

if TYPE_CHECKING:
    from pruneconf.findings import Finding
    from pruneconf.graph import ModelGraph
    from pruneconf.rules.choose import Chosen


FORMATS = {
    "text": "text",
    "json": "findings_json",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "junit": "junit",
}
"""The formats of findings and, below `pruneconf.output`, the modules that write them."""


@click.command("lint", short_help="Check configs; with a model, also against that model.")
@click.argument("arguments", nargs=-1, required=True, metavar="[MODEL] CONFIG...")
@click.option("--model", metavar="MODEL", help="The model, where it is not the first argument.")
@pruner_option
@click.option("--select", metavar="RULES", multiple=True, help="Only these rules: codes, code prefixes or names.")
@click.option("--ignore", metavar="RULES", multiple=True, help="Not these rules.")
@click.option("--strict", is_flag=True, help="Warnings fail the run too.")
@click.option("--format", "output_format", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option(
    "--output",
    "outputs",
    metavar="[FORMAT:]FILE",
    multiple=True,
    help="Write a report to FILE, in FORMAT beside what is printed; without FORMAT, what would be printed.",
)
@click.option("--statistics", is_flag=True, help="Say at the end how often each rule spoke.")
@click.option("--stdin-filename", metavar="NAME", help="What to call the config read from `-`.")
@click.option("--verbose", is_flag=True, help="Show infos too.")
@click.option("--quiet", is_flag=True, help="Show errors only, and no summary.")
@model_options
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
    outputs: tuple[str, ...],
    stdin_filename: str | None,
    options: ModelOptions,
    **shown: bool,
) -> None:
    """Check configs, and with a MODEL also what they would do to it.

    MODEL is a model.py (or model.py:attr, package.module:attr) or a *.graph.json written by `pruneconf trace`. CONFIG
    is a YAML or JSON file, a directory, or `-` for standard input; CONFIG#/json/pointer names a list inside a file. In
    a Python file, behind MODEL or alone, every config list that is written out is checked, without running the file.
    """
    from pruneconf.rules import lint
    from pruneconf.rules.choose import chooser

    chosen = chooser(select, ignore)
    model, files = split(arguments, model)
    if options.inputs and model is None:
        ctx.fail("`--input` is about a model: name one before the configs")
    reports = _reports(output_format, outputs)
    if shown["statistics"] and "text" not in reports.values():
        ctx.fail("`--statistics` belongs to `--format text`: the other formats list every finding")
    graph = None
    findings: list[Finding] = []
    names: dict[str, None] = {}
    for file in files:
        for reading in read_lists(file, stdin_filename):
            graph = graph or (_graph(model, options, chosen) if model else None)
            findings += (finding for finding in lint(reading, graph, pruner) if chosen(finding.rule))
            names[reading.document.name] = None
    for place, form in reports.items():
        if form == "text":
            text = _text(findings, files, model, sys.stdout if place is None else None, **shown)
        else:
            text = _written(form, findings, list(names), strict=shown["strict"])
        _put(text, place)
    failing = {"error", "warning"} if shown["strict"] else {"error"}
    ctx.exit(int(any(finding.severity in failing for finding in findings)))


def _graph(model: str, options: ModelOptions, chosen: Chosen) -> ModelGraph:
    """The graph of the model; where it was not traced, a note says which rules could not be checked."""
    from pruneconf.graph import Origin

    graph = graph_of(model, options=options)
    if graph.origin is not Origin.OPERATORS:
        from pruneconf.rules.registry import rules

        unchecked = [rule.info.code for rule in rules("graph") if chosen(rule.info)]
        if unchecked:
            note(f"checked without a traced forward pass, which {', '.join(unchecked)} need")
    return graph


def _reports(printed: str, outputs: tuple[str, ...]) -> dict[str | None, str]:
    """The format of each report, by the file to write it to; None stands for standard output."""
    reports: dict[str | None, str] = {None: printed}
    for output in outputs:
        form, colon, file = output.partition(":")
        if colon and file and form in FORMATS:
            reports[file] = form
        else:
            reports.pop(None, None)
            reports[output] = printed
    return reports


def _put(text: str, place: str | None) -> None:
    if place is None:
        click.echo(text, nl=False, color=True)
        return
    from pathlib import Path

    try:
        Path(place).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PruneconfError(f"cannot write `{place}`: {reason}; name another file with `--output`") from error


def _written(form: str, findings: Sequence[Finding], files: Sequence[str], *, strict: bool) -> str:
    from importlib import import_module

    text: str = import_module(f"pruneconf.output.{FORMATS[form]}").write(findings, files, strict=strict)
    return text


def _text(
    findings: Sequence[Finding],
    files: Sequence[str],
    model: str | None,
    stream: TextIO | None,
    **shown: bool,
) -> str:
    from pruneconf.output.style import painter, plain
    from pruneconf.output.summary import statistics, summary

    levels = {"error"} if shown["quiet"] else {"error", "warning"}
    if shown["verbose"]:
        levels.add("info")
    visible = [finding for finding in findings if finding.severity in levels]
    paint = painter(stream) if stream else plain
    parts = []
    if visible:
        from pruneconf.output.text import render

        parts.append(render(visible, paint))
    if shown["statistics"] and visible:
        parts.append(f"{statistics(visible, paint)}\n")
    if not shown["quiet"]:
        parts.append(f"{summary(visible, files, model, paint)}\n")
    return "".join(parts)
