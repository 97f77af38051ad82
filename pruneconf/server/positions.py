"""Offsets into a text and the positions of editors: lines from 0, columns in the units that were agreed on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from lsprotocol import types as lsp

from pruneconf.document.document import line_starts

_LAST_OF_TWO_BYTES = 0xFFFF


class Positions:
    """The positions in one text. `unit` is `utf-8`, `utf-16` or `utf-32`; an offset counts code points.

    A position behind the end of its line stands for that end, one behind the last line for the end of the text, and one
    inside of a character for its start.
    """

    def __init__(self, text: str, unit: str = "utf-16") -> None:
        self.text = text
        self._starts = line_starts(text)
        self._counts_code_points = unit == "utf-32" or text.isascii()
        self._size = _size_utf8 if unit == "utf-8" else _size_utf16

    def position(self, offset: int) -> lsp.Position:
        """The position of an offset."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        if self._counts_code_points:
            return lsp.Position(line, offset - start)
        return lsp.Position(line, sum(map(self._size, self.text[start:offset])))

    def range(self, start: int, end: int) -> lsp.Range:
        """The range from one offset to another."""
        return lsp.Range(self.position(start), self.position(end))

    def offset(self, position: lsp.Position) -> int:
        """The offset at a position."""
        if position.line >= len(self._starts):
            return len(self.text)
        start, end = self._starts[position.line], self.line_end(position.line)
        if self._counts_code_points:
            return min(start + position.character, end)
        left = position.character
        for offset in range(start, end):
            left -= self._size(self.text[offset])
            if left < 0:
                return offset
        return end

    def line_end(self, line: int) -> int:
        """The offset at which a line, counted from 0, ends, before its line break."""
        starts, text = self._starts, self.text
        if line + 1 >= len(starts):
            return len(text)
        end = starts[line + 1] - 1
        return end - 1 if text[end] == "\n" and end > starts[line] and text[end - 1] == "\r" else end


def changed(text: str, changes: Iterable[lsp.TextDocumentContentChangeEvent], unit: str) -> str:
    """A text after the changes that an editor reports, one after the other."""
    for change in changes:
        if isinstance(change, lsp.TextDocumentContentChangePartial):
            positions = Positions(text, unit)
            start, end = positions.offset(change.range.start), positions.offset(change.range.end)
            text = text[:start] + change.text + text[max(start, end) :]
        else:
            text = change.text
    return text


def _size_utf8(character: str) -> int:
    return len(character.encode("utf-8", "surrogatepass"))


def _size_utf16(character: str) -> int:
    return 1 + (ord(character) > _LAST_OF_TWO_BYTES)
