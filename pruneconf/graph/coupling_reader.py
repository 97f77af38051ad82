"""From the rows of a graph file to couplings, with a check of every value on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from pruneconf.graph.coupling import Coupling, Join, Limit, Member, Parameter, Pin, Side
from pruneconf.graph.errors import damaged

_SIDES = {side.value: side for side in Side}
_PARAMETER_LENGTH = 3
_SHORTEST_MEMBER, _LONGEST_MEMBER = 4, len(Member._fields)

T = TypeVar("T")


class _RowError(Exception):
    """A row, or what stands `inside` it, is not what is expected."""

    def __init__(self, expected: str, inside: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.inside = inside


def coupling(item: dict[str, Any], place: str) -> Coupling:
    """The coupling that an object of the file describes. Raises GraphFileError; `place` is where it stands."""
    return Coupling(
        units=_count(item.get("units"), f"{place}units"),
        members=_rows(item, "members", place, _member),
        joins=_rows(item, "joins", place, _join),
        limits=_rows(item, "limits", place, _limit),
        pins=_rows(item, "pins", place, _pin),
    )


def parameter(row: Any, place: str) -> Parameter:
    """The parameter that a row describes. Raises GraphFileError."""
    expected = "a name, a shape and a type"
    if not isinstance(row, list) or len(row) != _PARAMETER_LENGTH or not _are_texts(row[::2]):
        _fail(place, expected)
    if not isinstance(row[1], list) or not all(map(_is_count, row[1])):
        _fail(place, expected)
    return Parameter(row[0], tuple(row[1]), row[2])


def _member(row: list[Any]) -> Member:
    if not _SHORTEST_MEMBER <= len(row) <= _LONGEST_MEMBER or not isinstance(row[0], str):
        raise _RowError("a layer, a side, an axis and a size")
    side = _SIDES.get(row[1]) if isinstance(row[1], str) else None
    if side is None:
        raise _RowError("one of " + ", ".join(f"`{known}`" for known in _SIDES), "/1")
    if set(map(type, row[2:])) != {int} or min(row[2:]) < 0:
        raise _RowError("a layer, a side and whole numbers")
    found = Member(row[0], side, *row[2:])
    if found.repeat < 1 or found.times < 1:
        raise _RowError("without a `repeat` or `times` of 0")
    return found


def _join(row: list[Any]) -> Join:
    if len(row) != len(Join._fields) or not _are_texts(row):
        raise _RowError("an operation and a place")
    return Join(*row)


def _limit(row: list[Any]) -> Limit:
    if len(row) != len(Limit._fields) or not _are_texts(row[::2]) or not _is_count(row[1]) or not row[1]:
        raise _RowError("a kind, a number of groups and a module")
    return Limit(*row)


def _pin(row: list[Any]) -> Pin:
    if len(row) != len(Pin._fields) or not _are_texts(row):
        raise _RowError("a kind and a name")
    return Pin(*row)


def _rows(item: dict[str, Any], key: str, place: str, read: Callable[[list[Any]], T]) -> tuple[T, ...]:
    if key not in item:
        return ()
    rows = item[key]
    if not isinstance(rows, list) or not set(map(type, rows)) <= {list}:
        _fail(place + key, "a list of lists")
    found: list[T] = []
    for row in rows:
        try:
            found.append(read(row))
        except _RowError as error:
            _fail(f"{place}{key}/{len(found)}{error.inside}", error.expected)
    return tuple(found)


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _count(value: Any, place: str) -> int:
    if not _is_count(value):
        _fail(place, "a whole number")
    return int(value)


def _fail(place: str, expected: str) -> NoReturn:
    raise damaged(f"`{place}` must be {expected}")
