"""What is to be traced, as one process tells another."""

from __future__ import annotations

from typing import NamedTuple


class Order(NamedTuple):
    """A MODEL argument, example inputs as on the command line, and the folder that file names are relative to.

    `timeout` is the time that it may take, in seconds.
    """

    target: str
    inputs: tuple[str, ...]
    base: str
    timeout: float
