"""Regular expressions of NNI v3, which match from the beginning of a layer's name, as names and parts of names."""

from __future__ import annotations

import re
from typing import NamedTuple

_SIMPLE = re.compile(r"\^?(?P<any>\.\*)?(?P<name>(?:[\w/-]|\\\W|\.(?![*+?{]))+)(?P<end>\.\*\$?|\$)?")


class Name(NamedTuple):
    """A pattern as an entry of `key` (`op_names` or `op_partial_names`); `note` says where the two differ."""

    key: str
    text: str
    note: str | None = None


def name_of(pattern: str) -> Name | None:
    """The name or part of a name that a pattern stands for, or None where there is none."""
    match = _SIMPLE.fullmatch(pattern)
    if match is None:
        return None
    text = re.sub(r"\\(\W)", r"\1", match["name"])
    if match["end"] == "$" and not match["any"]:
        return Name("op_names", text)
    if match["any"] and match["end"] != "$":
        return Name("op_partial_names", text)
    where = "at the end" if match["any"] else "at the beginning"
    return Name("op_partial_names", text, f"`{text}` matches anywhere in a name, `{pattern}` only {where}")


def pattern_of(part: str) -> str:
    """The pattern that matches the names with this part."""
    return ".*" + re.sub(r"([^\w/-])", r"\\\1", part)
