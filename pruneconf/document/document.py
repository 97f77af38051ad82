"""A text, what it parses to, and where everything in it stands."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from pruneconf.document.nodes import Entry, Mapping, Node, Path, Scalar, Sequence


class Position(NamedTuple):
    """A place in a text; both count from 1, columns in Unicode code points."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the text itself. `rule` is the code of the rule that reports it."""

    rule: str
    message: str
    start: int
    end: int
    help: str | None = None
    first: tuple[int, int] | None = None
    """Where a duplicate key stood first: (start, end)."""


@dataclass(frozen=True)
class Document:
    """A YAML or JSON text.

    `name` is what messages call it. `root` is None where the text does not parse; `problems` then says why.
    """

    name: str
    text: str
    root: Node | None
    problems: tuple[Problem, ...] = field(default=())

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        for line in self.text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    def position(self, offset: int) -> Position:
        """The line and column of an offset into the text."""
        line = bisect_right(self._line_starts, offset)
        if line == len(self._line_starts) and line > 1 and not self.text.endswith(("\n", "\r")):
            line -= 1
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def line_end(self, offset: int) -> int:
        """The offset at which the line that holds `offset` ends, before its line break."""
        ends = [self.text.find(mark, offset) for mark in ("\n", "\r")]
        return min((end for end in ends if end >= 0), default=len(self.text))

    @property
    def is_json(self) -> bool:
        """Whether the text is JSON and not YAML."""
        return self.name.endswith(".json")

    def find(self, path: Path) -> Node | None:
        """The node at a path, or None."""
        found = self._walk(path)
        return found.value if isinstance(found, Entry) else found

    def key(self, path: Path) -> Scalar | None:
        """The key of the mapping entry at a path, or None where the path ends in a list index or nowhere."""
        found = self._walk(path)
        return found.key if isinstance(found, Entry) else None

    def _walk(self, path: Path) -> Node | Entry | None:
        here: Node | Entry | None = self.root
        for step in path:
            node = here.value if isinstance(here, Entry) else here
            if isinstance(node, Mapping) and isinstance(step, str):
                here = node.get(step)
            elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
                here = node.items[step]
            else:
                return None
        return here


def pointer(path: Path) -> str:
    """A path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def plain(node: Node) -> Any:
    """A node as plain Python data, as a loader would give it (of a doubled key, the last value)."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {entry.key.value: plain(entry.value) for entry in node.entries}
