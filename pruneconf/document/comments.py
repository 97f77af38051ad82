"""The comments of a YAML text or a Python source. Parsers drop them; suppressions and edits need them."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from pruneconf.document.document import Document

# libyaml ends a comment at the line breaks of YAML 1.1, which are more than those of 1.2.
_COMMENT = "(?:^|(?<=[ \t\n\r\x85\u2028\u2029]))#[^\n\r\x85\u2028\u2029]*"
_HEAD = "[|>][-+0-9]*[ \t]+"


class Comment(NamedTuple):
    """A comment at [start, end) of the text, from its `#` to the end of the line; `text` begins with the `#`."""

    start: int
    end: int
    text: str


def comments(document: Document) -> tuple[Comment, ...]:
    """Every comment, in order. Exact where the document parses; JSON has none."""
    if document.is_json or "#" not in document.text:
        return ()
    if document.is_python:
        from pruneconf.document import python

        return () if document.root is None else tuple(Comment(*found) for found in python.comments(document.text))
    found, at, pattern = [], 0, re.compile(_COMMENT)
    while match := pattern.search(document.text, at):
        at = match.end()
        literal = _literal_around(document, match.start())
        if literal is None:
            found.append(Comment(match.start(), match.end(), match[0]))
        else:
            at = literal[1]
    return tuple(found)


def _literal_around(document: Document, offset: int) -> tuple[int, int] | None:
    """The quoted or block text that a `#` belongs to; behind the head of a block text a comment may stand."""
    literals = document.parsed.literals
    index = bisect_right(literals, (offset, len(document.text))) - 1
    if index < 0 or offset >= literals[index][1]:
        return None
    literal = literals[index]
    head = re.compile(_HEAD).match(document.text, literal[0])
    return None if head and head.end() == offset else literal
