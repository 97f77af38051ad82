"""`pruneconf lint`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import click

from pruneconf.cli.arguments import debug_option, graph_of, read_file, split
from pruneconf.cli.run import Run

if TYPE_CHECKING:
    from pruneconf.config import Reading
    from pruneconf.graph import ModelGraph
    from pruneconf.rules.choose import Chosen

Flags = dict[str, bool]
"""The options that are on or off, by name."""


@click.command("lint", short_help="Check configs; with a model, also against that model.")
@click.argument("arguments", nargs=-1, required=True, metavar="[MODEL] CONFIG...")
@click.option("--model", metavar="MODEL", help="The model, where it is not the first argument.")
@click.option("--select", metavar="RULES", multiple=True, help="Only these rules: codes, code prefixes or names.")
@click.option("--ignore", metavar="RULES", multiple=True, help="Not these rules.")
@click.option("--strict", is_flag=True, help="Warnings fail the run too.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, in the files.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: make fixes that are guesses too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--add-ignores", is_flag=True, help="Silence what is found, by comments in the files.")
@click.option("--baseline", metavar="FILE", help="Leave out the findings that FILE knows; written if it is not there.")
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
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    baseline: str | None,
    output_format: str,
    stdin_filename: str | None,
    **flags: bool,
) -> None:
    """Check configs, and with a MODEL also what they would do to it.

    MODEL is a model.py (or model.py:attr, package.module:attr) or a *.graph.json written by `pruneconf trace`. CONFIG
    is a YAML or JSON file, a directory, or `-` for standard input; CONFIG#/json/pointer names a list inside a file.
    """
    from pruneconf.rules.choose import chooser
    from pruneconf.rules.engine import examine

    chosen = chooser(select, ignore)
    model, files = split(arguments, model)
    _check_flags(ctx, files, flags)
    graph, run = None, Run()
    stdin, editing = is_stdin(files), edits(flags)
    for file in files:
        reading = read_file(file, stdin_filename)
        graph = graph or (graph_of(model) if model else None)
        if editing:
            _edit(run, reading, graph, chosen, flags, stdin=stdin)
        else:
            run.add(reading, examine(reading, graph), chosen)
    if baseline:
        from pruneconf.cli.known import leave_out_known

        leave_out_known(run, baseline, chosen, write=not flags["diff"])
    stream = sys.stderr if flags["diff"] or (editing and stdin) else sys.stdout
    if output_format == "json":
        _print_json(run, stream)
    else:
        _print_text(run, model, files, flags, stream)
    failing = {"error", "warning"} if flags["strict"] else {"error"}
    failed = any(finding.severity in failing for finding in run.findings)
    ctx.exit(int(failed or (flags["diff"] and run.changed)))


def edits(flags: Flags) -> bool:
    """Whether the texts of the configs are to be edited, or the edits shown."""
    return flags["fix"] or flags["diff"] or flags["add_ignores"]


def is_stdin(files: Sequence[str]) -> bool:
    """Whether standard input is among the configs."""
    return any(config == "-" or config.startswith("-#") for config in files)


def _check_flags(ctx: click.Context, files: Sequence[str], flags: Flags) -> None:
    if flags["unsafe_fixes"] and not (flags["fix"] or flags["diff"]):
        ctx.fail("`--unsafe-fixes` goes with `--fix` or `--diff`")
    if flags["add_ignores"] and flags["fix"]:
        ctx.fail("`--fix` and `--add-ignores` are two steps: fix first, then silence what is left")
    if edits(flags) and is_stdin(files) and len(files) > 1:
        ctx.fail("`-` stands alone where its text is edited")


def _edit(run: Run, reading: Reading, graph: ModelGraph | None, chosen: Chosen, flags: Flags, *, stdin: bool) -> None:
    from pruneconf.cli.mending import How, mended
    from pruneconf.rules.engine import examine

    how = How(flags["unsafe_fixes"], flags["add_ignores"], flags["diff"], stdin)
    examined, changed = mended(reading, lambda edited: examine(edited, graph), chosen, how)
    run.add(reading, examined, chosen, changed=changed)


def _print_json(run: Run, stream: TextIO) -> None:
    import json

    from pruneconf.output.findings_json import findings_data

    data = findings_data(run.findings, len(run.configs), run.suppressed)
    click.echo(json.dumps(data, indent=1, ensure_ascii=False), stream)


def _print_text(run: Run, model: str | None, files: Sequence[str], flags: Flags, stream: TextIO) -> None:
    from pruneconf.output.style import painter
    from pruneconf.output.summary import summary

    levels = {"error"} if flags["quiet"] else {"error", "warning"}
    if flags["verbose"]:
        levels.add("info")
    visible = [finding for finding in run.findings if finding.severity in levels]
    paint = painter(stream)
    if visible:
        from pruneconf.output.text import render

        click.echo(render(visible, paint), stream, nl=False, color=True)
    if not flags["quiet"]:
        closing = summary(visible, files, model, paint, run.suppressed)
        click.echo(closing, stream, color=True)
