"""The plainest YAML, read without a parser.

Most configs are a block list of mappings from keys to a number, `true` or a list of names. Reading those by their lines
takes a fifth of the time that libyaml's events do, and spares the import. All else is left to the parser.
"""

from __future__ import annotations

import re
from typing import Any

_NAME = r"""(?:(?!(?i:null|true|false)\b)[A-Za-z_][\w.-]*|"[\w.-]+"|'[\w.-]+')"""
_LINE = re.compile(
    rf"""^(?:
        (-\ |\ \ )([a-z_]+):(?:\ +(?:([0-9]\.[0-9]{{1,15}})|(true)|\[({_NAME}(?:,\ *{_NAME})*)\]))?
        |(\ \ +)-\ +({_NAME})
    )?\ *(?:(?:^|(?<=\ ))\#[ -~]*)?\r?$""",
    re.ASCII | re.MULTILINE | re.VERBOSE,
)
"""Every group is empty in a line that is blank or holds a comment alone."""
_AROUND_NAMES = "\"' "


class Number(float):
    """A number, and the `text` that it is written as."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def skim(text: str) -> list[dict[str, Any]] | None:
    """A text as plain data, or None where that takes a parser. What is not None, the parser gives too.

    Its numbers are `Number`s.
    """
    lines = _LINE.findall(text := text.removeprefix("---\n"))
    if len(lines) <= text.count("\n"):
        return None
    data: list[dict[str, Any]] = []
    names: list[str] | None = None
    column = ""
    for bullet, key, number, true, flow, indent, name in lines:
        if name:
            if names is None or (names and indent != column):
                return None
            column = indent
            names.append(name.strip(_AROUND_NAMES))
        elif key:
            if bullet == "- ":
                data.append({})
            if not data or key in data[-1] or names == []:
                return None
            names = None if number or true or flow else []
            data[-1][key] = _value(number, true, flow) if names is None else names
    return None if names == [] else data


def _value(number: str, true: str, flow: str) -> float | bool | list[str]:
    if flow:
        return [name.strip(_AROUND_NAMES) for name in flow.split(",")]
    return True if true else Number(number)
