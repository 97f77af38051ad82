"""A text, what it parses to, and where everything in it stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from pruneconf.document.nodes import Entry, Mapping, Node, Path, Scalar, Sequence
from pruneconf.errors import PruneconfError

_BREAK = r"\r\n|\r|\n"


class Position(NamedTuple):
    """A place in a text; both count from 1, columns in Unicode code points."""

    line: int
    column: int


class Problem(NamedTuple):
    """Something wrong with the text itself. `rule` is the code of the rule that reports it."""

    rule: str
    message: str
    start: int
    end: int
    help: str | None = None
    first: tuple[int, int] | None = None
    """Where a duplicate key stood first: (start, end)."""


class Unread(NamedTuple):
    """A list of dicts in Python source that only running it would complete: its name and the keys of its dicts.

    [start, end) is the first expression in it that is no literal.
    """

    name: str
    keys: frozenset[str]
    start: int
    end: int


class Parsed(NamedTuple):
    """What a parser makes of a text.

    `root` is None where the text does not parse; `problems` then says why. `literals` are the quoted and block texts
    that hold a `#`, which starts no comment there. The root of a Python source is a mapping from names to the literal
    lists of dicts in it; `unread` are the lists that are not literal.
    """

    root: Node | None
    problems: tuple[Problem, ...] = ()
    literals: tuple[tuple[int, int], ...] = ()
    unread: tuple[Unread, ...] = ()


class Document:
    """A YAML, JSON or Python text, without its byte order mark; line breaks are as in the file.

    `name` is what messages call it. `encoding` is what `encode` needs to give the bytes of the file back. The text is
    parsed when something in it is asked for: many a good config is known as one before.
    """

    def __init__(self, name: str, text: str, encoding: str = "utf-8", parsed: Parsed | None = None) -> None:
        self.name = name
        self.text = text
        self.encoding = encoding
        if parsed:
            self.parsed = parsed

    @cached_property
    def parsed(self) -> Parsed:
        """The text as nodes."""
        if self.is_json:
            from pruneconf.document import json

            return json.compose(self.text)
        if self.is_python:
            from pruneconf.document import python

            return python.compose(self.text)
        from pruneconf.document import yaml

        return yaml.compose(self.text)

    @property
    def root(self) -> Node | None:
        """The node that holds all others, or None where the text does not parse."""
        return self.parsed.root

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the text itself."""
        return self.parsed.problems

    @property
    def is_yaml(self) -> bool:
        """Whether the text is YAML: neither JSON nor Python."""
        return not self.is_json and not self.is_python

    @property
    def is_json(self) -> bool:
        """Whether the text is JSON, which has no comments."""
        return is_json(self.name)

    @property
    def is_python(self) -> bool:
        """Whether the text is Python source."""
        return is_python(self.name)

    def position(self, offset: int) -> Position:
        """The line and column of an offset into the text. Lines end at LF, CR or CRLF only, as in YAML 1.2."""
        starts = line_starts(self.text)
        line = bisect_right(starts, offset)
        return Position(line, offset - starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """A line of the text, counted from 1, without its line break."""
        starts = line_starts(self.text)
        return self.text[starts[number - 1] : starts[number] if number < len(starts) else None].rstrip("\r\n")

    def line_end(self, offset: int) -> int:
        """The offset at which the line that holds `offset` ends, before its line break."""
        line, column = self.position(offset)
        return offset - column + 1 + len(self.line(line))

    def find(self, path: Path) -> Node | None:
        """The node at a path, or None."""
        found = self._walk(path)
        return found.value if isinstance(found, Entry) else found

    def key(self, path: Path) -> Scalar | None:
        """The key of the mapping entry at a path, or None where the path ends in a list index or nowhere."""
        found = self._walk(path)
        return found.key if isinstance(found, Entry) else None

    def part(self, node: Node) -> Document:
        """The document with the problems of this node alone."""
        here = tuple(p for p in self.problems if node.start <= p.start < node.end)
        return Document(self.name, self.text, self.encoding, self.parsed._replace(problems=here))

    def _walk(self, path: Path) -> Node | Entry | None:
        here: Node | Entry | None = self.root
        for step in path:
            node = here.value if isinstance(here, Entry) else here
            if isinstance(node, Mapping) and isinstance(step, str):
                here = node.get(step)
            elif isinstance(node, Sequence) and isinstance(step, int) and 0 <= step < len(node.items):
                here = node.items[step]
            else:
                return None
        return here


@lru_cache(maxsize=4)
def line_starts(text: str) -> list[int]:
    """Where each line of a text starts."""
    return [0, *(match.end() for match in re.finditer(_BREAK, text))]


def is_json(name: str) -> bool:
    """Whether a text of this name is JSON."""
    return name.lower().endswith(".json")


def is_python(name: str) -> bool:
    """Whether a text of this name is Python source. One that is neither this nor JSON is YAML."""
    return name.lower().endswith(".py")


def pointer(path: Path) -> str:
    """A path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def locate(document: Document, pointer: str) -> Path:
    """The path that a JSON pointer (RFC 6901) names in a document that parses.

    Raises PruneconfError, naming what is there instead, where it leads nowhere.
    """
    if pointer and not pointer.startswith("/"):
        raise PruneconfError(f"the JSON pointer `{pointer}` must begin with `/`")
    path: Path = ()
    node = document.root
    for escaped in pointer.split("/")[1:]:
        step = escaped.replace("~1", "/").replace("~0", "~")
        path = (*path, _step(document, path, node, step))
        node = document.find(path)
    return path


def _step(document: Document, path: Path, node: Node | None, step: str) -> str | int:
    where = f"`{document.name}#{pointer((*path, step))}` leads nowhere"
    if isinstance(node, Mapping):
        if node.get(step):
            return step
        raise PruneconfError(f"{where}: {_offer([str(entry.key.value) for entry in node.entries], step)}")
    if isinstance(node, Sequence):
        if re.fullmatch("0|[1-9][0-9]{0,8}", step) and int(step) < len(node.items):
            return int(step)
        raise PruneconfError(f"{where}: the list there has {len(node.items)} items, counted from 0")
    raise PruneconfError(f"{where}: `{pointer(path) or '/'}` is neither a list nor a mapping")


def _offer(keys: list[str], wanted: str) -> str:
    from pruneconf.suggest import nearest

    if near := nearest(wanted, keys):
        return f"did you mean `{near[0]}`?"
    most = 5
    listed = ", ".join(f"`{key}`" for key in keys[:most]) + (", …" if len(keys) > most else "")
    return f"the keys there are {listed}" if keys else "the mapping there is empty"


def plain(node: Node) -> Any:
    """A node as plain Python data, as a loader would give it (of a doubled key, the last value)."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {entry.key.value: plain(entry.value) for entry in node.entries}
