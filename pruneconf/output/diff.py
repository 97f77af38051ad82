"""What fixes change, as a unified diff that `patch -p0` and `git apply -p0` take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import unified_diff

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def diff(name: str, before: str, after: str) -> str:
    """The unified diff between two texts; empty where they are the same. Line breaks are kept as they are."""
    lines = unified_diff(_LINE.findall(before), _LINE.findall(after), name, name)
    return "".join(_with_end(lines))


def _with_end(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
