"""The lines of a text that labels point at, with carets below them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from pruneconf.document import Document
from pruneconf.findings import Label
from pruneconf.output.style import Paint, printable

WINDOW = 140
"""Widest excerpt of a line, in terminal columns."""
LEAD = 30
"""How much of a long line is shown before what is marked."""
TAB = 4


class Mark(NamedTuple):
    """A label on one line: columns count terminal cells from 0 after tabs and wide characters are drawn."""

    line: int
    start: int
    end: int
    message: str
    style: str


def excerpt(document: Document, labels: Iterable[tuple[Label, str]], gutter: int, paint: Paint) -> Iterator[str]:
    """Lines that show the labels (each with its style) of one document; `gutter` is the width of line numbers."""
    marks = sorted(_mark(document, label, style) for label, style in labels)
    bar = paint("|", "frame")
    previous = None
    yield f"{'':{gutter}} {bar}"
    for line, on_line in groupby(marks, key=lambda mark: mark.line):
        if previous is not None and line > previous + 1:
            yield f"{'':{gutter}} {paint(':', 'frame')}"
        previous = line
        yield from _line(document, line, list(on_line), gutter, paint)


def _line(document: Document, line: int, marks: list[Mark], gutter: int, paint: Paint) -> Iterator[str]:
    text = drawn(document.line(line))
    shift = 0
    if width(text) > WINDOW:
        text, shift = _window(text, min(mark.start for mark in marks))
    bar = paint("|", "frame")
    yield f"{paint(f'{line:>{gutter}}', 'frame')} {bar} {text}".rstrip()
    for mark in marks:
        start = max(0, mark.start - shift)
        end = min(max(mark.end - shift, start + 1), WINDOW)
        sign = "-" if mark.style == "frame" else "^"
        carets = paint(sign * max(1, end - start), mark.style)
        message = f" {paint(mark.message, mark.style)}" if mark.message else ""
        yield f"{'':{gutter}} {bar} {'':{start}}{carets}{message}"


def _window(text: str, start: int) -> tuple[str, int]:
    """The part of a long line around a column, and how far it is shifted to the left."""
    first = max(0, start - LEAD)
    cells = 0
    kept = []
    for char in text:
        if first <= cells < first + WINDOW - 2:
            kept.append(char)
        cells += width(char)
    before = "…" if first else ""
    after = "…" if cells > first + WINDOW - 2 else ""
    return before + "".join(kept) + after, first - len(before)


def _mark(document: Document, label: Label, style: str) -> Mark:
    start = document.position(label.start)
    line = document.line(start.line)
    first = start.column - 1
    last = min(first + label.end - label.start, len(line))
    return Mark(start.line, width(drawn(line[:first])), width(drawn(line[:last])), printable(label.message), style)


def drawn(text: str) -> str:
    """A line as a terminal shows it: tabs as spaces, control characters escaped."""
    return printable(text.replace("\t", " " * TAB))


def width(text: str) -> int:
    """Terminal columns that a text takes: East Asian wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(char) in {"Mn", "Me", "Cf"} else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )
