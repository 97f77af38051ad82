"""What a value says as it is written, and which ratio its author meant."""

from __future__ import annotations

import re
from decimal import Decimal

from pruneconf.config.keys import CAP
from pruneconf.document import Path, Scalar, Sequence
from pruneconf.findings import Edit, Fix
from pruneconf.rules.context import Context

_NUMBER = r"\s*([-+]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+))\s*(%?)\s*"
_LONGEST = 40
_SMALLEST_PERCENTAGE = 2


def written(ctx: Context, path: Path) -> str:
    """The source text of a value, cut where it is long."""
    node = ctx.document.find(path)
    return cut(ctx.document.text[node.start : node.end]) if node else ""


def cut(text: str) -> str:
    """A text in one line, without what is too much to quote."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def what(ctx: Context, path: Path) -> str:
    """A value with its kind: the text `Conv2d`, the number `0`, `true`, a list, a mapping, nothing."""
    node = ctx.document.find(path)
    if isinstance(node, Sequence):
        return "a list"
    if not isinstance(node, Scalar):
        return "a mapping"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return f"`{written(ctx, path)}`"
    if node.end > ctx.document.line_end(node.start):
        return "a text over several lines"
    return f"the {'text' if isinstance(node.value, str) else 'number'} `{written(ctx, path)}`"


def number_in(text: str) -> Decimal | None:
    """The number that a text spells: `0.5`, `0,5`, `80%` (which is 0.8)."""
    match = re.fullmatch(_NUMBER, text)
    if match is None:
        return None
    return Decimal(match[1].replace(",", ".")) / (100 if match[2] else 1)


def ratio_meant(number: Decimal, key: str) -> str | None:
    """The ratio that a number was meant to be, in digits: itself, without a minus sign, or as a percentage."""
    size = abs(number) / (100 if abs(number) >= _SMALLEST_PERCENTAGE else 1)
    fits = 0 < size <= 1 if key == CAP else size < 1
    return format(size.normalize(), "f") if fits else None


def rewrite(ctx: Context, path: Path, text: str, *, safe: bool) -> Fix | None:
    """The fix that puts other source text in the place of a value; none where there is no value on one line."""
    place = ctx.document.find(path)
    if place is None or place.end == place.start or place.end > ctx.document.line_end(place.start):
        return None
    if text == "true" and ctx.document.is_python:
        text = "True"
    return Fix(f"replace with `{text}`", safe, (Edit(place.start, place.end, text),))
