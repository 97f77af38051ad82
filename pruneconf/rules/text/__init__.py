"""Rules about the text itself: they say what the parsers found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pruneconf.document import Mapping, Node, Path, Problem, Sequence, pointer
from pruneconf.findings import Finding, Fix, Label
from pruneconf.rules.context import Context


def problems(ctx: Context, fix: Callable[[Problem, Path], Fix | None] = lambda _, __: None) -> Iterator[Finding]:
    """A finding for each problem of the text that this rule reports; `fix` mends it, given the path where it stands."""
    document = ctx.document
    paths = dict(_keys(document.root, ())) if document.root else {}
    for problem in document.problems:
        if problem.rule == ctx.rule.code:
            path = paths.get(problem.start, ())
            place = Label(document, pointer(path), problem.start, problem.end)
            first = (Label(document, place.pointer, *problem.first, "it stands here first"),) if problem.first else ()
            yield Finding(
                ctx.rule, ctx.rule.severity, problem.message, place, problem.help, first, fix=fix(problem, path)
            )


def _keys(node: Node, path: Path) -> Iterator[tuple[int, Path]]:
    """Where each key below a node stands, and the path of its entry."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            inner = (*path, str(entry.key.value))
            yield entry.key.start, inner
            yield from _keys(entry.value, inner)
    elif isinstance(node, Sequence):
        for i, item in enumerate(node.items):
            yield from _keys(item, (*path, i))
