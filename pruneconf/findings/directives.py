"""Comments that silence rules: `# pruneconf: ignore[PC302] because …`, and `# pruneconf: ignore-file[…]` at the top.

At the end of a line a comment holds for what stands on that line, and for the value that begins behind it; on a line of
its own, for the node that comes next: a whole sub-config where it stands before the first key of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pruneconf.document import Document, Mapping, Node, Scalar
from pruneconf.document.comments import Comment, comments

MARK = "pruneconf:"
"""No text without it holds a directive."""

_DIRECTIVE = re.compile(r"#[ \t]*pruneconf:[ \t]*(?P<verb>[\w-]+)[ \t]*(?:\[(?P<rules>[^\]\n]*)\])?")
_VERBS = frozenset({"ignore", "ignore-file"})
_LOOKALIKE = re.compile(r"ig\w*|\w*ignore\w*|noqa|disable|suppress|skip", re.IGNORECASE)
_GAP = r"(?>[ \t\r\n]|#[^\r\n]*+|&\S++(?=\s)|---(?=\s))*+"
_DASHES = rf"(?>{_GAP}-(?=\s))*+{_GAP}"


class Word(NamedTuple):
    """A code or name of a rule in a directive, at [start, end) of the text."""

    text: str
    start: int
    end: int


class Directive(NamedTuple):
    """A comment that silences rules, at [start, end) of the text; what it holds for begins in [scope[0], scope[1]].

    `words` are empty where it is not understood. `whole_file` tells `ignore-file` from `ignore`.
    """

    start: int
    end: int
    verb: str
    words: tuple[Word, ...]
    scope: tuple[int, int]
    whole_file: bool


def directives(document: Document) -> list[Directive]:
    """The directives of a document that parses, in order; JSON has none."""
    if MARK not in document.text or document.root is None:
        return []
    extents = _Extents(document)
    return [directive for comment in comments(document) for directive in _in_comment(comment, extents)]


class _Extents:
    """Where the outermost node or entry that begins at an offset ends; the root itself is none of them."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._ends: dict[int, int] = {}
        if document.root is not None:
            self._enter(document.root)

    def _enter(self, node: Node) -> None:
        if isinstance(node, Scalar):
            return
        children = node.items if not isinstance(node, Mapping) else [entry.value for entry in node.entries]
        if isinstance(node, Mapping):
            for entry in node.entries:
                self._ends.setdefault(entry.key.start, max(entry.key.end, entry.value.end))
        for child in children:
            if child.start not in self._ends:  # else it is an alias, and known
                self._ends[child.start] = child.end
                self._enter(child)

    def after(self, offset: int, pattern: str) -> tuple[int, int] | None:
        """The extent of what begins behind a gap; in Python source, of what begins first on that line."""
        gap = re.compile(pattern).match(self.document.text, offset)
        start = gap.end() if gap else offset
        line = range(start, self.document.line_end(start)) if self.document.is_python else (start,)
        return next(((at, self._ends[at]) for at in line if at in self._ends), None)


def _in_comment(comment: Comment, extents: _Extents) -> Iterator[Directive]:
    for match in _DIRECTIVE.finditer(comment.text):
        verb, listed = match["verb"], match["rules"]
        if verb not in _VERBS and listed is None and not _LOOKALIKE.fullmatch(verb):
            continue  # a sentence about pruneconf
        words: tuple[Word, ...] = ()
        if verb in _VERBS and listed is not None:
            words = tuple(_words(listed, comment.start + match.start("rules")))
        start = comment.start + match.start()
        whole_file = verb == "ignore-file"
        scope = _file_scope(extents.document, start) if whole_file else _scope(comment, extents)
        yield Directive(start, comment.end, verb, words, scope, whole_file)


def _words(listed: str, start: int) -> Iterator[Word]:
    for match in re.finditer(r"[^,\s](?:[^,]*[^,\s])?", listed):
        yield Word(match[0], start + match.start(), start + match.end())


def _file_scope(document: Document, start: int) -> tuple[int, int]:
    root = document.root
    first = root.entries[0].key if document.is_python and isinstance(root, Mapping) and root.entries else root
    at_the_top = first is not None and start <= first.start
    return (0, len(document.text)) if at_the_top else (start, start - 1)


def _scope(comment: Comment, extents: _Extents) -> tuple[int, int]:
    document = extents.document
    line, column = document.position(comment.start)
    line_start = comment.start - column + 1
    if not document.line(line)[: column - 1].strip():
        return extents.after(comment.end, _DASHES) or (comment.start, comment.start - 1)
    value = extents.after(comment.end, _GAP)
    head = document.text[line_start : comment.start].rstrip()
    return (line_start, value[1] if value and head.endswith((":", "-")) else comment.start)
