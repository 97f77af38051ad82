"""What is to be traced, as one process tells another, and where that one answers."""

from __future__ import annotations

from typing import NamedTuple

RESULT, LAST_WORDS = "result.json", "last-words.txt"
"""What it leaves in its folder: what it found, and where it was when it crashed or ran out of time."""


class Order(NamedTuple):
    """A MODEL argument, example inputs as on the command line, and the folder that file names are relative to.

    `timeout` is the time that the model's code may take, in seconds.
    """

    target: str
    inputs: tuple[str, ...]
    base: str
    timeout: float
