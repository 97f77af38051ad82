"""Which JSON Schema a config names in a comment, and whether that one is older than the model that it was made for."""

from __future__ import annotations

import os
import re
from json import JSONDecoder
from typing import Any, NamedTuple

from pruneconf.graph.stale import changed_sources

MARK = "x-pruneconf"
"""The key, near the top of a schema for one model, that says what it was made from."""

_LINE = re.compile(r"^#[ \t]*(?:yaml-language-server:[ \t]*\$schema=|\$schema:[ \t]*)(?P<path>\S+)", re.MULTILINE)
_HEAD = 1 << 16


class SchemaLine(NamedTuple):
    """The path that stands at [start, end) of a text, relative to its file."""

    path: str
    start: int
    end: int


class Stale(NamedTuple):
    """A schema that is older than its model: where it is, what made it, and which files have changed since."""

    line: SchemaLine
    path: str
    model: str
    flavour: str
    changed: tuple[str, ...]


def schema_line(text: str) -> SchemaLine | None:
    """The schema that a comment names for editors; None where there is none."""
    match = _LINE.search(text)
    return SchemaLine(match["path"].replace("%20", " "), *match.span("path")) if match else None


def stale_schema(name: str, text: str) -> Stale | None:
    """The schema that the config `name` with this text names, if it is one for a model and that has changed since."""
    line = schema_line(text)
    if line is None or "://" in line.path:
        return None
    path = os.path.normpath(os.path.join(os.path.dirname(name), line.path))
    match _made_from(path):
        case {"model": str(model), "for": str(flavour), "sources": dict(sources)}:
            changed = changed_sources(sources, path)
            return Stale(line, path, model, flavour, tuple(changed)) if changed else None
    return None


def _made_from(path: str) -> Any:
    """What a schema says it was made from; it stands near its top, and the rest may be long."""
    try:
        with open(path, encoding="utf-8") as file:
            head = file.read(_HEAD)
        return JSONDecoder().raw_decode(head, head.index(f'"{MARK}": ') + len(MARK) + 4)[0]
    except (OSError, ValueError):
        return None
