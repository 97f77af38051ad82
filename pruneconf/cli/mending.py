"""What `pruneconf lint --fix`, `--diff` and `--add-ignores` do to one config."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import click

from pruneconf.cli.arguments import note
from pruneconf.config import Reading
from pruneconf.document import Document, encode
from pruneconf.findings import Finding
from pruneconf.output.diff import diff
from pruneconf.output.style import printable
from pruneconf.output.text import location
from pruneconf.rules.choose import Chosen
from pruneconf.rules.comments.ignores import with_ignores
from pruneconf.rules.engine import Examined
from pruneconf.rules.mend import LeftOut, Mended, mend

Examine = Callable[[Reading], Examined]


class How(NamedTuple):
    """Which edits to make, and whether to show them (`diff`), or to print the text (`stdin`), in place of a file."""

    unsafe: bool
    ignores: bool
    diff: bool
    stdin: bool


def mended(reading: Reading, examine: Examine, chosen: Chosen, how: How) -> tuple[Examined, bool]:
    """What is found after the edits, and whether there were any."""
    before = reading.document
    done = _silenced(reading, examine, chosen) if how.ignores else _fixed(reading, examine, chosen, unsafe=how.unsafe)
    after = done.reading.document
    for one in done.left_out:
        note(_left_out(one, ignores=how.ignores))
    if before.text != after.text:
        count = len(done.fixed)
        what = f"{count} finding{'s' * (count != 1)} in `{printable(before.name)}`"
        note(f"{'would ' if how.diff else ''}{_verb(how)} {what}")
    _write(before, after, how)
    return done.examined, before.text != after.text


def _verb(how: How) -> str:
    if how.diff:
        return "silence" if how.ignores else "fix"
    return "silenced" if how.ignores else "fixed"


def _fixed(reading: Reading, examine: Examine, chosen: Chosen, *, unsafe: bool) -> Mended:
    def wanted(finding: Finding) -> bool:
        return chosen(finding.rule) and finding.fix is not None and (unsafe or finding.fix.safe)

    return mend(reading, examine, wanted)


def _silenced(reading: Reading, examine: Examine, chosen: Chosen) -> Mended:
    if reading.document.is_json:
        note(
            f"`{printable(reading.document.name)}` is JSON, which has no comments: keep its findings in a `--baseline`"
        )

    def with_comments(reading: Reading) -> Examined:
        examined = examine(reading)
        return examined._replace(findings=with_ignores(reading.document, examined.findings, chosen))

    done = mend(reading, with_comments)
    return done._replace(examined=examine(done.reading))


def _left_out(one: LeftOut, *, ignores: bool) -> str:
    finding, because = one
    what = "a comment" if ignores else "the fix"
    why = f"{because} would be found then" if because else "the text would not parse then"
    return f"{what} for {finding.rule.code} at {location(finding.place)} is left out: {why}"


def _write(before: Document, after: Document, how: How) -> None:
    if how.diff:
        text = diff(before.name, before.text, after.text)
        shown = "\n".join(map(printable, text.split("\n"))) if sys.stdout.isatty() else text
        click.echo(shown.encode(), nl=False)
    elif how.stdin:
        click.echo(encode(after.text, after.encoding), nl=False)
    elif before.text != after.text:
        from pruneconf.document.write import rewrite

        rewrite(before, after.text)
