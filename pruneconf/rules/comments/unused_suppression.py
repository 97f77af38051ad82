"""A comment silences a rule that finds nothing there.

## What it does
Reports every rule that a `# pruneconf: ignore[…]` or `ignore-file[…]` names and that finds nothing in what the comment
holds for. Rules that had no say in this run, without a model or behind an error, are left alone.

At the end of a line a comment holds for that line; on a line of its own, for the node that comes next: a whole
sub-config where it stands before its first key. `ignore-file` holds for the file and stands at its top.

## Why is this bad?
Whoever reads the comment believes that something is wrong there and known. And it will silence what somebody breaks
at that place later.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5  # pruneconf: ignore[PC406] nearly everything goes on purpose
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Fix safety
Safe: it removes the rule from the comment, and the whole comment, with its reason, where no other rule is left in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pruneconf.config.python import config_lists
from pruneconf.document import Document
from pruneconf.document.edits import Edit
from pruneconf.findings import Finding, Fix, Label
from pruneconf.findings.directives import Directive
from pruneconf.rules.base import SAFE, WARNING, rule
from pruneconf.rules.comments.suppress import Found, Silence, concerns, silences
from pruneconf.rules.context import Context
from pruneconf.rules.registry import heard
from pruneconf.rules.schema.conflicts import listed


@rule("PC901", "unused-suppression", severity=WARNING, needs="text", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    there = Found(ctx.found)
    codes = {info.code for info in heard(ctx.stages)} - {"PC901"}
    named: dict[Directive, list[Silence]] = {}
    for silence in silences(ctx.document):
        named.setdefault(silence.directive, []).append(silence)
    for directive, all_named in named.items():
        unused = [one for one in all_named if one.code in codes and not there.silenced_by(one)]
        if unused and concerns(ctx.reading, directive) and not _is_of_several_lists(ctx, directive):
            yield _finding(ctx, directive, unused, whole=len(unused) == len(all_named))


def _is_of_several_lists(ctx: Context, directive: Directive) -> bool:
    """Whether it holds for lists too that are not looked at here."""
    return directive.whole_file and bool(ctx.reading.path) and len(config_lists(ctx.document)) > 1


def _finding(ctx: Context, directive: Directive, unused: list[Silence], *, whole: bool) -> Finding:
    words = [silence.word for silence in unused]
    names = listed(tuple(dict.fromkeys(word.text for word in words)))
    start, end = (directive.start, directive.end) if whole else (words[0].start, words[-1].end)
    message = (
        f"nothing is silenced here: {names} finds nothing"
        if len(words) == 1
        else (f"nothing is silenced here: {names} find nothing")
    )
    if directive.whole_file and directive.scope[0] > directive.scope[1]:
        message = "`ignore-file` holds only at the top of the file: nothing is silenced here"
    fix = Fix(
        "remove the comment" if whole else f"remove {names}",
        True,
        (_out(ctx.document, directive.start, directive.end),) if whole else _without(directive, unused),
    )
    place = Label(ctx.document, "", start, end)
    return Finding(ctx.rule, ctx.rule.severity, message, place, "remove it", fix=fix)


def _out(document: Document, start: int, end: int) -> Edit:
    """The edit that removes a comment with the blanks before it, and the line where nothing else stands on it."""
    column = document.position(start).column
    line_start = start - column + 1
    head = document.text[line_start:start]
    if head.strip():
        return Edit(line_start + len(head.rstrip()), end, "")
    line_break = re.compile(r"\r\n|\r|\n|\Z").match(document.text, end)
    return Edit(line_start, line_break.end() if line_break else end, "")


def _without(directive: Directive, unused: list[Silence]) -> tuple[Edit, ...]:
    """The edit that writes the list of rules anew without those that are unused."""
    kept = [word.text for word in directive.words if all(word != silence.word for silence in unused)]
    return (Edit(directive.words[0].start, directive.words[-1].end, ", ".join(kept)),)
