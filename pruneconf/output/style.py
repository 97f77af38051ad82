"""Colours, when someone looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

Paint = Callable[[str, str], str]
"""(text, style) to the text in that style."""

Link = Callable[[str, str], str]
"""(text, URL) to the text that leads there."""

_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "frame": "34",
    "help": "1;32",
    "strong": "1",
    "dim": "2",
    "excluded": "36",
    "lost": "31",
}

_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-#")
"""What a shell leaves alone (`#` begins a comment only at the start of a word, where no path has it)."""


def painter(stream: TextIO = sys.stdout) -> Paint:
    """How to paint for a stream: colours on a terminal or under FORCE_COLOR, never under NO_COLOR."""
    if os.environ.get("NO_COLOR"):
        return plain
    return _ansi if os.environ.get("FORCE_COLOR") or stream.isatty() else plain


def plain(text: str, style: str) -> str:  # noqa: ARG001 - the other painter uses it
    """The text as it is, for files and pipes."""
    return text


def _ansi(text: str, style: str) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text and style else text


def linker(stream: TextIO) -> Link:
    """How to link for a stream: on a terminal that shows styles, and as FORCE_HYPERLINK has it (`0`: never)."""
    forced = os.environ.get("FORCE_HYPERLINK")
    usual = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return _osc8 if (forced != "0" if forced else usual) else unlinked


def unlinked(text: str, url: str) -> str:  # noqa: ARG001 - the other linker uses it
    """The text as it is."""
    return text


def _osc8(text: str, url: str) -> str:
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"


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
