"""`pruneconf lint`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

import click

from pruneconf.cli.against import Model
from pruneconf.cli.arguments import ModelOptions, model_options, pruner_option, read_lists, split
from pruneconf.cli.run import Run
from pruneconf.errors import PruneconfError
from pruneconf.settings import settings

if TYPE_CHECKING:
    from pruneconf.cli.mending import Examine
    from pruneconf.config import Reading

Flags = dict[str, bool]
"""The options that are on or off, by name."""

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
@click.argument("arguments", nargs=-1, metavar="[MODEL] [CONFIG]...")
@click.option("--model", metavar="MODEL", help="The model, where it is not the first argument.")
@pruner_option
@click.option("--select", metavar="RULES", multiple=True, help="Only these rules: codes, code prefixes or names.")
@click.option("--ignore", metavar="RULES", multiple=True, help="Not these rules.")
@click.option("--strict", is_flag=True, help="Warnings fail the run too.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, in the files.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: make fixes that are guesses too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--add-ignores", is_flag=True, help="Silence what is found, by comments in the files.")
@click.option("--baseline", metavar="FILE", help="Leave out the findings that FILE knows; written if it is not there.")
@click.option("--format", "output_format", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option(
    "--output",
    "outputs",
    metavar="[FORMAT:]FILE",
    multiple=True,
    help="Write a report to FILE, in FORMAT beside what is printed; without FORMAT, what would be printed.",
)
@click.option("--statistics", is_flag=True, help="Say at the end how often each rule spoke.")
@click.option("--watch", is_flag=True, help="Check again whenever a config or the model changes, until Ctrl-C.")
@click.option("--stdin-filename", metavar="NAME", help="What to call the config read from `-`.")
@click.option("--verbose", is_flag=True, help="Show infos too.")
@click.option("--quiet", is_flag=True, help="Show errors only, and no summary.")
@model_options
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one for each option
    ctx: click.Context,
    /,
    arguments: tuple[str, ...],
    model: str | None,
    pruner: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    baseline: str | None,
    output_format: str,
    outputs: tuple[str, ...],
    stdin_filename: str | None,
    options: ModelOptions,
    **flags: bool,
) -> None:
    """Check configs, and with a MODEL also what they would do to it.

    MODEL is a model.py (or model.py:attr, package.module:attr) or a *.graph.json written by `pruneconf trace`. CONFIG
    is a YAML or JSON file, a directory, or `-` for standard input; CONFIG#/json/pointer names a list inside a file. In
    a Python file, behind MODEL or alone, every config list that is written out is checked, without running the file.

    What is not said here, `[tool.pruneconf]` in pyproject.toml may say: the model, the files, the rules.
    """
    from pruneconf.rules.choose import chooser

    project = settings()
    chosen = chooser(select or project.select, ignore or (() if select else project.ignore))
    named, (model, files) = model, split(arguments, model)
    models = {file: model or project.model_of(_name(file, stdin_filename)) for file in files}
    reports = _reports(output_format, outputs)
    for contradiction in _contradictions(models, options, reports, flags):
        ctx.fail(contradiction)
    if flags["watch"]:
        from pruneconf.cli.watch import watch

        watch(lambda: split(arguments, named)[1], filter(None, models.values()))
        return
    run = Run(chosen)
    anew = not options.cache or bool(baseline) or _is_editing(flags)
    against = {name: Model(name, pruner, options, chosen, anew=anew) for name in dict.fromkeys(models.values())}
    for file, its_model in models.items():
        readings, examine = read_lists(file, stdin_filename), against[its_model].examine
        if _is_editing(flags):
            _edit(run, readings, examine, flags, stdin=_is_stdin(file))
            continue
        for reading in readings:
            run.add(reading, examine(reading))
    for each in against.values():
        each.remember()
    if baseline:
        from pruneconf.cli.known import leave_out_known

        leave_out_known(run, baseline, write=not flags["diff"])
    stream = sys.stderr if flags["diff"] or (_is_editing(flags) and any(map(_is_stdin, files))) else sys.stdout
    for place, form in reports.items():
        if form == "text":
            text = _text(run, models, pruner, stream if place is None else None, flags)
        else:
            text = _written(form, run, strict=flags["strict"])
        _put(text, place, stream)
    failing = {"error", "warning"} if flags["strict"] else {"error"}
    failed = any(finding.severity in failing for finding in run.findings)
    ctx.exit(int(failed or (flags["diff"] and run.changed)))


def _contradictions(
    models: Mapping[str, str | None], options: ModelOptions, reports: Mapping[str | None, str], flags: Flags
) -> Iterator[str]:
    """What is wrong with the options taken together."""
    if options.inputs and not any(models.values()):
        yield "`--input` is about a model: name one before the configs"
    if flags["statistics"] and "text" not in reports.values():
        yield "`--statistics` belongs to `--format text`: the other formats list every finding"
    if flags["unsafe_fixes"] and not (flags["fix"] or flags["diff"]):
        yield "`--unsafe-fixes` goes with `--fix` or `--diff`"
    if flags["add_ignores"] and flags["fix"]:
        yield "`--fix` and `--add-ignores` are two steps: fix first, then silence what is left"
    if _is_editing(flags) and len(models) > 1 and any(map(_is_stdin, models)):
        yield "`-` stands alone where its text is edited"
    printed = "a diff" if flags["diff"] else "the text" if _is_editing(flags) and any(map(_is_stdin, models)) else None
    if printed and reports.get(None, "text") != "text":
        yield f"{printed} is printed here: write the report to a file, with `--output {reports[None]}:FILE`"
    if flags["watch"] and any(map(_is_stdin, models)):
        yield "`--watch` is about files: name them in place of `-`"


def _is_editing(flags: Flags) -> bool:
    """Whether the texts of the configs are to be edited, or the edits shown."""
    return flags["fix"] or flags["diff"] or flags["add_ignores"]


def _is_stdin(file: str) -> bool:
    return file == "-" or file.startswith("-#/")


def _name(file: str, stdin_filename: str | None) -> str:
    return stdin_filename if stdin_filename and _is_stdin(file) else file


def _edit(run: Run, readings: Sequence[Reading], examine: Examine, flags: Flags, *, stdin: bool) -> None:
    from pruneconf.cli.mending import How, mend_file

    mend_file(run, readings, examine, How(flags["unsafe_fixes"], flags["add_ignores"], flags["diff"], stdin))


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


def _put(text: str, place: str | None, stream: TextIO) -> None:
    if place is None:
        click.echo(text, stream, nl=False, color=True)
        return
    from pathlib import Path

    try:
        Path(place).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PruneconfError(f"cannot write `{place}`: {reason}; name another file with `--output`") from error


def _written(form: str, run: Run, *, strict: bool) -> str:
    from importlib import import_module

    from pruneconf.output.report import Report

    report = Report(run.findings, list(run.files), run.suppressed, strict)
    text: str = import_module(f"pruneconf.output.{FORMATS[form]}").write(report)
    return text


def _text(run: Run, models: Mapping[str, str | None], pruner: str, stream: TextIO | None, flags: Flags) -> str:
    from pruneconf.output.style import linker, painter, plain, unlinked
    from pruneconf.output.summary import statistics, summary

    levels = {"error"} if flags["quiet"] else {"error", "warning"}
    if flags["verbose"]:
        levels.add("info")
    visible = [finding for finding in run.findings if finding.severity in levels]
    paint = painter(stream) if stream else plain
    parts = []
    if visible:
        from pruneconf.output.text import render

        parts.append(render(visible, paint, linker(stream) if stream else unlinked))
    if flags["statistics"] and visible:
        parts.append(f"{statistics(visible, paint)}\n")
    if not flags["quiet"]:
        parts.append(f"{summary(visible, models, pruner, paint, run.suppressed)}\n")
    return "".join(parts)
