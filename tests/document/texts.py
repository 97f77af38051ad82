"""Strategies: data, YAML texts in many styles with the data and comments they hold, and texts that are not YAML."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

WORDS = st.from_regex(r"[a-z][a-z0-9_.]{0,8}", fullmatch=True).filter(
    lambda word: word not in {"true", "false", "null"}
)
TEXTS = WORDS | st.text(alphabet="ab#: -'\"\\[]{},&*!|>%@`é中😀01.\n\t", max_size=12)
NUMBERS = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = TEXTS | NUMBERS | st.booleans() | st.none()
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
SOUP = st.text(alphabet="-: [],{}&*!|>'\"#%@\n\t\r ab01.~<?\\é😀\ufeff\x07\u2028", max_size=40)


@dataclass
class Written:
    """A YAML text, the data that it holds and its comments."""

    text: str
    data: Any
    comments: list[str]


@st.composite
def written(draw: st.DrawFn) -> Written:
    """A list or mapping written in block and flow style, each scalar plain or quoted, with comments between."""
    data = draw(st.lists(DATA, min_size=1, max_size=3) | st.dictionaries(TEXTS, DATA, min_size=1, max_size=3))
    comments: list[str] = []
    lines = _block(draw, data, 0, comments)
    return Written(draw(st.sampled_from(["\n", "\r\n"])).join([*lines, ""]), data, comments)


def _block(draw: st.DrawFn, data: Any, indent: int, comments: list[str]) -> list[str]:
    lines: list[str] = []
    items = data.items() if isinstance(data, dict) else ((None, value) for value in data)
    for key, value in items:
        if draw(st.booleans()):
            lines.append(" " * draw(st.integers(0, 6)) + _comment(draw, comments))
        head = " " * indent + ("-" if key is None else _scalar(draw, key) + ":")
        if isinstance(value, dict | list) and value and draw(st.booleans()):
            lines.append(head + _tail(draw, comments))
            lines += _block(draw, value, indent + draw(st.integers(1, 4)), comments)
        else:
            lines.append(f"{head} {_flow(draw, value)}{_tail(draw, comments)}")
    return lines


def _flow(draw: st.DrawFn, data: Any) -> str:
    blank = draw(st.sampled_from(["", " "]))
    if isinstance(data, list):
        return "[" + blank + ", ".join(_flow(draw, value) for value in data) + blank + "]"
    if isinstance(data, dict):
        return "{" + ", ".join(f"{_scalar(draw, key)}: {_flow(draw, data[key])}" for key in data) + blank + "}"
    return _scalar(draw, data)


def _scalar(draw: st.DrawFn, value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    style = draw(st.sampled_from("p'\""))
    if style == "p" and value.isascii() and value.isalpha() and value.lower() not in {"true", "false", "null"}:
        return value
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(value, ensure_ascii=False)


def _comment(draw: st.DrawFn, comments: list[str]) -> str:
    comments.append("#" + draw(st.text(alphabet="ab #'\"[]:é😀-", max_size=8)))
    return comments[-1]


def _tail(draw: st.DrawFn, comments: list[str]) -> str:
    return " " + _comment(draw, comments) if draw(st.booleans()) else ""
