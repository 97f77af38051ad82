"""A config list taken apart for conversion: its sub-configs with their comments, and what is lost on the way."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pruneconf.document import Document, Entry, Mapping, Node, Path, Scalar, Sequence
from pruneconf.document.comments import Comment, comments
from pruneconf.document.scalars import resolve


class Number(str):
    """A number as it is written, so that `0.50` stays `0.50`."""

    __slots__ = ()


@dataclass(slots=True)
class Line:
    """A key and its value (plain data, numbers as `Number`), with the comments above and beside it."""

    key: str
    value: Any
    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Item:
    """A sub-config: `index` is its place in the source, `notes` say what conversion did to it.

    `source` is what it was. Where `dropped` is true too little of it is left; what it was is then written as a comment.
    """

    index: int
    lines: list[Line] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    source: tuple[tuple[str, Any], ...] = ()
    dropped: bool = False

    def lose(self, what: str) -> None:
        """Note that something has no counterpart."""
        self.notes.append(f"not carried over: {what}")

    def get(self, key: str) -> Any:
        """The value of a key, or None."""
        return next((line.value for line in self.lines if line.key == key), None)

    def has(self, *keys: str) -> bool:
        """Whether one of these keys is there."""
        return any(line.key in keys for line in self.lines)

    def texts(self, key: str) -> list[str]:
        """The texts in the list under a key."""
        value = self.get(key)
        return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []

    def rename(self, key: str, new: str) -> None:
        """Give a key another name."""
        for line in self.lines:
            line.key = new if line.key == key else line.key

    def remove(self, *keys: str) -> None:
        """Take keys out; their comments stay, above the sub-config."""
        for line in self.lines:
            if line.key in keys:
                self.above += line.above + line.beside
        self.lines = [line for line in self.lines if line.key not in keys]

    def add(self, key: str, texts: Iterable[str]) -> None:
        """Add texts to the list under a key."""
        new = [text for text in dict.fromkeys(texts) if text not in self.texts(key)]
        line = next((line for line in self.lines if line.key == key), None)
        if line is None and new:
            self.lines.append(Line(key, new))
        elif line is not None:
            line.value = self.texts(key) + new


class Parts(NamedTuple):
    """A config list: its sub-configs, and the comments before the first and behind the last of them."""

    head: list[str]
    items: list[Item]
    tail: list[str]


def parts_of(document: Document, path: Path) -> Parts:
    """The list of sub-configs at a path, taken apart."""
    root = document.find(path)
    nodes = [node for node in root.items if isinstance(node, Mapping)] if isinstance(root, Sequence) else []
    parts = Parts([], [_item(document, i, node) for i, node in enumerate(nodes)], [])
    places = [
        (entry.key.start, parts.items[i], line)
        for i, node in enumerate(nodes)
        for entry, line in zip(_entries(node), parts.items[i].lines, strict=True)
    ]
    places.sort(key=lambda place: place[0])
    for comment in comments(document):
        if nodes and root and _belongs(document, path, comment, root):
            if comment.start < nodes[0].start:
                parts.head.append(comment.text)
            else:
                _place(document, comment, places, parts.tail)
    return parts


def _belongs(document: Document, path: Path, comment: Comment, root: Node) -> bool:
    """Whether a comment is one of the list: all are where it is the whole file."""
    key = document.key(path)
    start = key.end if key and document.is_yaml else root.start
    return (document.is_yaml and not path) or start <= comment.start < root.end


def _item(document: Document, index: int, node: Mapping) -> Item:
    lines = [Line(str(entry.key.value), _value(document, entry.value)) for entry in _entries(node)]
    return Item(index, lines, source=tuple((line.key, line.value) for line in lines))


def _entries(node: Mapping) -> list[Entry]:
    """The entries that a loader sees: the last of each key."""
    return list({entry.key.value: entry for entry in node.entries}.values())


def _place(document: Document, comment: Comment, places: list[tuple[int, Item, Line]], tail: list[str]) -> None:
    """Put a comment beside the entry that it follows on its line, else above what comes next."""
    index = bisect_left(places, comment.start, key=lambda place: place[0])
    start = comment.start - document.position(comment.start).column + 1
    if document.text[start : comment.start].strip(" \t-[{(,") and index:
        places[index - 1][2].beside.append(comment.text)
    elif index == len(places):
        tail.append(comment.text)
    else:
        _, item, line = places[index]
        (item.above if line is item.lines[0] else line.above).append(comment.text)


def _value(document: Document, node: Node) -> Any:
    if isinstance(node, Sequence):
        return [_value(document, item) for item in node.items]
    if isinstance(node, Mapping):
        return {str(entry.key.value): _value(document, entry.value) for entry in node.entries}
    return _scalar(document, node)


def _scalar(document: Document, node: Scalar) -> Any:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return node.value
    text = document.text[node.start : node.end]
    return Number(text if resolve(text, node.start) == node.value else repr(node.value))
