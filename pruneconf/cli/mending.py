"""What `pruneconf lint --fix`, `--diff` and `--add-ignores` do to one file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import click

from pruneconf.cli.arguments import note
from pruneconf.cli.run import Run
from pruneconf.config import Reading, with_text
from pruneconf.document import Document, encode
from pruneconf.findings import Finding
from pruneconf.output.diff import diff
from pruneconf.output.style import printable
from pruneconf.output.text import location
from pruneconf.rules.choose import Chosen
from pruneconf.rules.comments.ignores import silence
from pruneconf.rules.engine import Examined
from pruneconf.rules.mend import LeftOut, Mended, mend

Examine = Callable[[Reading], Examined]


class How(NamedTuple):
    """Which edits to make, and whether to show them (`diff`), or to print the text (`stdin`), in place of a file."""

    unsafe: bool
    ignores: bool
    diff: bool
    stdin: bool


def mend_file(run: Run, readings: Sequence[Reading], examine: Examine, how: How) -> None:
    """Edit the text of a file, all its configs in turn, and take what is found after that into the run."""
    before = readings[0].document
    if how.ignores and before.is_json:
        note(f"`{printable(before.name)}` is JSON, which has no comments: keep its findings in a `--baseline`")
    text, count = before.text, 0
    for reading in readings:
        done = _mended(with_text(reading, text), examine, run.chosen, how)
        for one in done.left_out:
            note(_left_out(one, ignores=how.ignores))
        run.add(done.reading, done.examined)
        text, count = done.reading.document.text, count + len(done.fixed)
    _write(before, text, how)
    if text != before.text:
        run.changed = True
        note(f"{_verb(how)} {count} finding{'s' * (count != 1)} in `{printable(before.name)}`")


def _verb(how: How) -> str:
    if how.diff:
        return "would silence" if how.ignores else "would fix"
    return "silenced" if how.ignores else "fixed"


def _mended(reading: Reading, examine: Examine, chosen: Chosen, how: How) -> Mended:
    if how.ignores:
        return silence(reading, examine, chosen)

    def wanted(finding: Finding) -> bool:
        return chosen(finding.rule) and finding.fix is not None and (how.unsafe or finding.fix.safe)

    return mend(reading, examine, wanted)


def _left_out(one: LeftOut, *, ignores: bool) -> str:
    finding, because = one
    what = "a comment" if ignores else "the fix"
    why = f"{because} would be found then" if because else "the text would not parse then"
    return f"{what} for {finding.rule.code} at {location(finding.place)} is left out: {why}"


def _write(before: Document, after: str, how: How) -> None:
    if how.diff:
        text = diff(before.name, before.text, after)
        shown = "\n".join(map(printable, text.split("\n"))) if sys.stdout.isatty() else text
        click.echo(shown.encode(), nl=False)
    elif how.stdin:
        click.echo(encode(after, before.encoding), nl=False)
    elif before.text != after:
        from pruneconf.document.write import rewrite

        rewrite(before, after)
