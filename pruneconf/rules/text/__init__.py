"""Rules about the text itself: they say what the parsers found."""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.document import Mapping, Node, Path, Scalar, pointer
from pruneconf.findings import Finding, Label
from pruneconf.rules.context import Context


def problems(ctx: Context) -> Iterator[Finding]:
    """A finding for each problem of the text that this rule reports."""
    document = ctx.document
    for problem in document.problems:
        if problem.rule != ctx.rule.code:
            continue
        path = _path_of_key(document.root, problem.start) if document.root else None
        place = Label(document, pointer(path or ()), problem.start, problem.end)
        first = (Label(document, place.pointer, *problem.first, "it stands here first"),) if problem.first else ()
        yield Finding(ctx.rule, ctx.rule.severity, problem.message, place, problem.help, first)


def _path_of_key(node: Node, offset: int) -> Path | None:
    """The path of the mapping entry whose key stands at an offset."""
    inside: list[tuple[str | int, Node]] = []
    if isinstance(node, Mapping):
        for entry in node.entries:
            if entry.key.start == offset:
                return (str(entry.key.value),)
            inside.append((str(entry.key.value), entry.value))
    elif not isinstance(node, Scalar):
        inside += enumerate(node.items)
    for step, child in inside:
        if child.start <= offset < child.end and (path := _path_of_key(child, offset)) is not None:
            return (step, *path)
    return None
