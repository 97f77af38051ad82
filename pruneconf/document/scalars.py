"""Plain scalars by the core schema of YAML 1.2 (section 10.3.2), and the limits that hold for every text."""

from __future__ import annotations

import re
from math import isinf

from pruneconf.document.document import Problem

MAX_DEPTH = 64
MAX_ALIASED_NODES = 100_000
MAX_NUMBER_LENGTH = 64
MAX_EXPONENT = 400

Value = str | int | float | bool | None

_CONSTANTS: dict[str, Value] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_NUMBER = re.compile(
    r"(?P<int>[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE](?P<exponent>[-+]?[0-9]+))?"
)
_SHOWN = 24


class UnparsableError(Exception):
    """Ends the parsing of a text; carries the problem to report. Never leaves this package."""

    def __init__(self, rule: str, message: str, start: int, end: int, help_: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(rule, message, start, end, help_)


def resolve(text: str, start: int) -> Value:
    """The value of a plain scalar that stands at `start`.

    JSON data has no infinity and no NaN: a number that overflows, and YAML's `.inf` and `.nan`, stay texts.
    """
    if text[:1] in _NUMBER_STARTS and (match := _NUMBER.fullmatch(text)):
        return _number(match, start)
    return _CONSTANTS.get(text, text)


def _number(match: re.Match[str], start: int) -> Value:
    text, exponent = match[0], match["exponent"]
    end = start + len(text)
    if len(text) > MAX_NUMBER_LENGTH:
        message = f"the number `{shorten(text)}` has more than {MAX_NUMBER_LENGTH} characters"
        raise UnparsableError("PC003", message, start, end, "write it with fewer digits, or quote it if it is a text")
    if match["int"]:
        return int(text, {"x": 16, "o": 8}.get(text[1:2], 10))
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        message = f"the exponent of the number `{shorten(text)}` is beyond ±{MAX_EXPONENT}"
        raise UnparsableError("PC003", message, start, end, "write a smaller exponent, or quote it if it is a text")
    value = float(text)
    return text if isinf(value) else value


def too_deep(start: int) -> UnparsableError:
    """The error for the collection that opens at `start`, one level too deep."""
    message = f"lists and mappings are nested more than {MAX_DEPTH} levels deep"
    return UnparsableError("PC003", message, start, start + 1, "flatten it: a config needs three levels")


def duplicate(key: str, first: tuple[int, int], start: int, end: int) -> Problem:
    """The problem of a key at [start, end) that stands in the same mapping at `first` already."""
    message = f"the key `{shorten(key)}` stands twice in this mapping"
    return Problem("PC002", message, start, end, "remove one of the two: loaders keep the last and say nothing", first)


def shorten(text: str) -> str:
    """The text, or its beginning where it is long, in one line."""
    line = " ".join(text[: 8 * _SHOWN].split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
