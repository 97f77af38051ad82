"""Colours, when someone looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

Paint = Callable[[str, str], str]
"""(text, style) to the text in that style."""

_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "frame": "34",
    "help": "1;32",
    "strong": "1",
    "dim": "2",
}

_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-#")
"""What a shell leaves alone (`#` begins a comment only at the start of a word, where no path has it)."""


def painter(stream: TextIO = sys.stdout) -> Paint:
    """How to paint for a stream: colours on a terminal or under FORCE_COLOR, never under NO_COLOR."""
    if os.environ.get("NO_COLOR"):
        return _plain
    return _ansi if os.environ.get("FORCE_COLOR") or stream.isatty() else _plain


def _plain(text: str, style: str) -> str:  # noqa: ARG001 - the other painter uses it
    return text


def _ansi(text: str, style: str) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text else text


def printable(text: str) -> str:
    """The text with control characters escaped, so that a config cannot steer the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def command_line(*words: str) -> str:
    """A command to copy into a shell, with quotes where it needs them."""
    if _SAFE.issuperset("".join(words)) and all(words):
        return " ".join(words)
    import shlex

    return printable(shlex.join(words))
