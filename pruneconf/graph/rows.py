"""A graph file, read row by row: as plain data its layers would take three times the memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from json import JSONDecoder
from typing import Any

_GAP = re.compile(r"[ \t\r\n]*")
_DECODER = JSONDecoder()

Reader = Callable[[dict[str, Any], str], Any]


class Rows(list[Any]):
    """The items of a list in a graph file, read already."""


def parse(text: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The JSON object that a text holds; of the lists that have a reader, the rows that it makes of their items.

    Raises ValueError, or what a reader raises, where the text is something else.
    """
    cursor = _Cursor(text)
    data: dict[str, Any] = {}
    for _ in cursor.parts("{", "}"):
        key = cursor.value()
        if not isinstance(key, str):
            raise ValueError("a key")  # noqa: TRY004 - whoever catches it does not care
        cursor.take(":")
        if key in readers and cursor.next == "[":
            rows = data[key] = Rows()
            for _ in cursor.parts("[", "]"):
                rows.append(readers[key](cursor.object(), f"{key}/{len(rows)}/"))
        else:
            data[key] = cursor.value()
    cursor.end()
    return data


class _Cursor:
    """A place in a JSON text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._skip()

    @property
    def next(self) -> str:
        """The character that comes next."""
        return self._text[self._at : self._at + 1]

    def take(self, mark: str) -> None:
        """Go on behind a mark, which must be there."""
        if self.next != mark:
            raise ValueError(mark)
        self._at += 1
        self._skip()

    def parts(self, opening: str, closing: str) -> Iterator[None]:
        """Stop before each part of a list or object; it must be read then."""
        self.take(opening)
        if self.next != closing:
            yield
            while self.next != closing:
                self.take(",")
                yield
        self.take(closing)

    def value(self) -> Any:
        """The value that comes next."""
        value, self._at = _DECODER.raw_decode(self._text, self._at)
        self._skip()
        return value

    def object(self) -> dict[str, Any]:
        """The value that comes next, which must be an object."""
        value = self.value()
        if not isinstance(value, dict):
            raise ValueError("an object")  # noqa: TRY004 - whoever catches it does not care
        return value

    def end(self) -> None:
        """Nothing may come next."""
        if self.next:
            raise ValueError(self.next)

    def _skip(self) -> None:
        found = _GAP.match(self._text, self._at)
        self._at = found.end() if found else self._at
