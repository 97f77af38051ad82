"""YAML 1.2 to nodes, over the events of libyaml.

Where ruamel.yaml's C parser is not installed, its Python parser gives the same events, twenty times slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from pruneconf.document.document import Parsed, Problem
from pruneconf.document.nodes import Entry, Mapping, Node, Scalar, Sequence
from pruneconf.document.scalars import (
    MAX_ALIASED_NODES,
    MAX_DEPTH,
    UnparsableError,
    Value,
    duplicate,
    resolve,
    shorten,
    too_deep,
)

_CORE = "tag:yaml.org,2002:"
_TYPES = {"int": int, "bool": bool, "null": type(None)}
_GAP = r"(?:[ \t\r\n]|#[^\r\n]*)*"


def compose(text: str) -> Parsed:
    """The nodes of a text without byte order mark. An empty text holds null."""
    if text.startswith("\ufeff"):  # libyaml would step over it, and be off by one from there on
        return _forbidden_character(text)
    try:
        composer = _Composer(text)
        root = composer.document()
    except UnparsableError as error:
        return Parsed(None, (error.problem,))
    except MarkedYAMLError as error:
        from pruneconf.document.syntax import explain

        return Parsed(None, (explain(text, error),))
    except (YAMLError, UnicodeEncodeError):
        return _forbidden_character(text)
    return Parsed(root, tuple(composer.problems), tuple(composer.literals))


def _forbidden_character(text: str) -> Parsed:
    from pruneconf.document.syntax import forbidden_character

    return Parsed(None, (forbidden_character(text),))


def _events(text: str) -> Callable[[], Any]:
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        from ruamel.yaml import YAML

        events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
        return events.__next__
    take: Callable[[], Any] = CParser(text).get_event
    return take


class _Composer:
    """One pass over the events of a text; `end` is where the last scalar, alias or flow collection ended."""

    __slots__ = ("_aliased", "_anchors", "_end", "_extents", "_next", "_text", "literals", "problems")

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self.literals: list[tuple[int, int]] = []
        self._text = text
        self._next = _events(text)
        self._end = 0
        self._anchors: dict[str, Node | None] = {}  # None: its node is not complete yet
        self._extents: dict[str, tuple[int, int]] = {}
        self._aliased = 0

    def document(self) -> Node:
        """The root of the only document of the stream."""
        self._next()  # the start of the stream
        if self._next().__class__ is StreamEndEvent:
            return Scalar(0, 0, None, plain=True)
        root = self._node(self._next(), 0)
        self._next()  # the end of the document
        event = self._next()
        if event.__class__ is DocumentStartEvent:
            start = event.start_mark.index
            message, help_ = "a second YAML document starts here", "keep one document per file, without `---` between"
            raise UnparsableError("PC001", message, start, start + 3, help_)
        return root

    def _node(self, event: Any, depth: int) -> Node:
        kind = event.__class__
        if kind is ScalarEvent and event.anchor is None:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        name = event.anchor
        if name is not None:
            self._anchors[name] = None
            self._extents.pop(name, None)
        if kind is ScalarEvent:
            node: Node = self._scalar(event)
        else:
            node = self._sequence(event, depth) if kind is SequenceStartEvent else self._mapping(event, depth)
        if name is not None:
            self._anchors[name] = node
        return node

    def _scalar(self, event: Any) -> Scalar:
        start, self._end = event.start_mark.index, event.end_mark.index
        text = event.value
        plain = not event.style
        if event.anchor is not None:
            start = self._after_anchor(event)
        if not plain and "#" in text:
            self.literals.append((start, self._end))
        value: Value = text
        if event.ctag is not None:
            value = self._tagged(text, event.tag, start)
        elif plain:
            value = resolve(text, start)
        return Scalar(start, self._end, value, plain)

    def _sequence(self, event: Any, depth: int) -> Sequence:
        start = self._open(event, depth, "seq")
        items = []
        take, node = self._next, self._node
        while (item := take()).__class__ is not SequenceEndEvent:
            items.append(node(item, depth + 1))
        return Sequence(start, self._close(event, item), tuple(items))

    def _mapping(self, event: Any, depth: int) -> Mapping:
        start = self._open(event, depth, "map")
        entries: dict[str, Entry] = {}
        every: list[Entry] = []
        merged: list[Node] = []
        while (item := self._next()).__class__ is not MappingEndEvent:
            key, name = self._key(item)
            value = self._node(self._next(), depth + 1)
            if name == "<<" and key.plain:
                merged.append(value)
                continue
            if name in entries:
                first = entries[name].key
                self.problems.append(duplicate(name, (first.start, first.end), key.start, key.end))
            entries[name] = entry = Entry(key, value)
            every.append(entry)
        end = self._close(event, item)
        for value in merged:
            every += _merge(entries, value)
        return Mapping(start, end, tuple(every))

    def _open(self, event: Any, depth: int, kind: Literal["seq", "map"]) -> int:
        start: int = event.start_mark.index if event.anchor is None else self._after_anchor(event)
        if depth >= MAX_DEPTH:
            raise too_deep(start)
        if event.ctag is not None and event.tag not in {"!", _CORE + kind}:
            raise self._bad_tag(event.tag, start, "a list" if kind == "seq" else "a mapping")
        return start

    def _close(self, opened: Any, event: Any) -> int:
        """Where a collection ends: a block ends with its last node, not where the next thing begins."""
        if opened.flow_style and event.end_mark.index > event.start_mark.index:
            self._end = event.end_mark.index
        return self._end

    def _key(self, event: Any) -> tuple[Scalar, str]:
        """A key and its text: keys of JSON data are texts, however they are written."""
        start, end = event.start_mark.index, event.end_mark.index
        if event.__class__ is ScalarEvent and event.anchor is None and event.ctag is None:
            if event.style and "#" in event.value:
                self.literals.append((start, end))
            name: str = event.value
            return Scalar(start, end, name, not event.style), name
        node = self._node(event, 0) if event.__class__ in {ScalarEvent, AliasEvent} else None
        if not isinstance(node, Scalar):
            message = "a key must be a text, not a list or mapping"
            raise UnparsableError("PC001", message, start, max(end, start + 1), "quote it if it is meant as text")
        if event.__class__ is ScalarEvent:
            name = event.value
        else:
            name = node.value if isinstance(node.value, str) else self._text[node.start : node.end]
        return node._replace(value=name), name

    def _alias(self, event: Any, depth: int) -> Node:
        name = event.anchor
        start, self._end = event.start_mark.index, event.end_mark.index
        if name not in self._anchors:
            message = f"`*{name}` is an alias, but no anchor `&{name}` stands before it"
            raise UnparsableError("PC001", message, start, self._end, f"quote it if it is meant as text: `'*{name}'`")
        node = self._anchors[name]
        if node is None:
            message = f"the alias `*{name}` stands inside the node that it repeats"
            raise UnparsableError("PC003", message, start, self._end, "write out what it should contain")
        if name not in self._extents:
            self._extents[name] = _extent(node)
        size, height = self._extents[name]
        self._aliased += size
        if self._aliased > MAX_ALIASED_NODES:
            message = f"aliases up to `*{name}` repeat more than {MAX_ALIASED_NODES:,} nodes"
            raise UnparsableError("PC003", message, start, self._end, "write fewer aliases of aliases")
        if height and depth + height > MAX_DEPTH:
            raise too_deep(start)
        return node

    def _after_anchor(self, event: Any) -> int:
        """Where a node begins behind its anchor (a tag before the anchor belongs to the node, and so it stays)."""
        text = self._text
        start: int = event.start_mark.index
        end: int = event.end_mark.index
        if text[start] != "&":
            return start
        gap = re.compile(_GAP).match(text, start + 1 + len(event.anchor))
        after = gap.end() if gap else start
        return min(after, end) if event.__class__ is ScalarEvent else after

    def _tagged(self, text: str, tag: str, start: int) -> Value:
        """The value of a scalar with a tag of the core schema."""
        if tag in {"!", _CORE + "str"}:
            return text
        value = resolve(text, start)
        name = tag.removeprefix(_CORE)
        if name == "float" and type(value) in {int, float}:
            return float(value)  # type: ignore[arg-type]
        if type(value) is _TYPES.get(name):
            return value
        raise self._bad_tag(tag, start, f"`{shorten(text)}`")

    def _bad_tag(self, tag: str, start: int, what: str) -> UnparsableError:
        name = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
        end = start + len(name)
        if name in {"!!str", "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!map"}:
            return UnparsableError("PC001", f"the tag `{name}` does not fit {what}", start, end, "remove the tag")
        message = f"the tag `{shorten(name)}` is not read: a config holds plain data only"
        return UnparsableError("PC003", message, start, end, "remove the tag")


def _extent(node: Node) -> tuple[int, int]:
    """How many nodes a node holds, itself included and aliases expanded, and how many levels of collections."""
    if isinstance(node, Scalar):
        return 1, 0
    inner = node.items if isinstance(node, Sequence) else [entry.value for entry in node.entries]
    extents = [_extent(child) for child in inner]
    return 1 + sum(size for size, _ in extents), 1 + max((height for _, height in extents), default=0)


def _merge(entries: dict[str, Entry], value: Node) -> Iterator[Entry]:
    """The entries that a merge key adds: those whose keys are not there yet."""
    for source in value.items if isinstance(value, Sequence) else (value,):
        if not isinstance(source, Mapping):
            message = "`<<` takes an alias of a mapping, or a list of such aliases"
            raise UnparsableError("PC001", message, source.start, source.end, "quote the key if it is meant as text")
        for name, entry in {str(entry.key.value): entry for entry in source.entries}.items():
            if name not in entries:
                entries[name] = entry
                yield entry
