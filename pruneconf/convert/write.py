"""Converted sub-configs as YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pruneconf.convert.items import Item, Line, Number, Parts
from pruneconf.document import Document
from pruneconf.document.edits import scalar_text

_WIDTH = 110
_YAML = Document("config.yaml", "")


def yaml_text(parts: Parts) -> str:
    """The text of a config, with the comments of its source and notes on what is lost."""
    lines = [line for item in parts.items for line in _item(item)]
    if all(item.dropped for item in parts.items):
        lines.append("[]")
    return "".join(f"{line}\n" for line in [*parts.head, *lines, *parts.tail])


def _item(item: Item) -> Iterator[str]:
    yield from item.above
    yield from (f"# {note}" for note in item.notes)
    lines = [Line(key, value) for key, value in item.source] if item.dropped else item.lines
    body = [text for i, line in enumerate(lines) for text in _line(line, first=i == 0)] or ["- {}"]
    if item.dropped:
        yield from (f"# {text}" for text in body)
        return
    head = next((i for i, text in enumerate(body) if text.startswith("- ")), 0)
    yield from (text.strip() for text in body[:head])
    yield from body[head:]


def _line(line: Line, *, first: bool) -> Iterator[str]:
    dash = "- " if first else "  "
    key = scalar_text(_YAML, line.key)
    beside = "  " + " ".join(line.beside) if line.beside else ""
    yield from (f"  {comment}" for comment in line.above)
    text = f"{dash}{key}: {_value(line.value)}"
    if len(text) <= _WIDTH or not isinstance(line.value, list):
        yield text + beside
        return
    yield f"{dash}{key}:{beside}"
    yield from (f"    - {_value(value)}" for value in line.value)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar_text(_YAML, key)}: {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Number):
        return str(value)
    return scalar_text(_YAML, value) if isinstance(value, str) else json.dumps(value)
