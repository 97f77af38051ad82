"""The parsed form of a YAML or JSON text: plain values, each with its place in the text.

Offsets count Unicode code points from the start of the text; `end` is exclusive.
"""

from __future__ import annotations

from typing import NamedTuple


class Scalar(NamedTuple):
    """A string, number, boolean or null. `plain` is true where it is written without quotes."""

    start: int
    end: int
    value: str | int | float | bool | None
    plain: bool


class Sequence(NamedTuple):
    """A list."""

    start: int
    end: int
    items: tuple[Node, ...]


class Entry(NamedTuple):
    """One `key: value` of a mapping."""

    key: Scalar
    value: Node


class Mapping(NamedTuple):
    """A mapping, with every entry in order: a key that stands twice is here twice."""

    start: int
    end: int
    entries: tuple[Entry, ...]

    def get(self, key: str) -> Entry | None:
        """The entry that a loader would see: the last one with this key."""
        for entry in reversed(self.entries):
            if entry.key.value == key:
                return entry
        return None


Node = Scalar | Sequence | Mapping
Path = tuple[str | int, ...]
"""Keys and list indices from the root of a document down to a node."""
