"""How far a run is, where someone looks and it takes long enough to wonder."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, Task

PATIENCE = 1.0
"""Seconds that pass before anything is shown."""

Tell = Callable[[str, int, int], None]
"""Told the phase, how much of it is done, and how much there is in all (0: unknown)."""

_COUNTED = {"ranking": "weights"}
"""What is counted in a phase, if not bytes."""


@contextmanager
def progress(stream: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic) -> Iterator[Tell]:
    """Show the phase, its rate and the time that is left of it on a terminal; nothing on anything else."""
    if not stream.isatty():
        yield lambda _phase, _done, _total: None
        return
    began, shown = clock(), _Shown(stream, clock)

    def tell(phase: str, done: int, total: int) -> None:
        if clock() - began >= PATIENCE:
            shown.update(phase, done, total)

    try:
        yield tell
    finally:
        shown.stop()


class _Shown:
    """A line that is shown from the first update on, and leaves nothing behind."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream, self._clock = stream, clock
        self._bar: Progress | None = None
        self._phase = ""

    def update(self, phase: str, done: int, total: int) -> None:
        bar = self._bar = self._bar or self._started()
        if phase != self._phase:
            self._phase = phase
            bar.refresh()
            for task in bar.task_ids:
                bar.remove_task(task)
            bar.add_task(phase, total=None)
            bar.refresh()
        bar.update(bar.task_ids[0], completed=done, total=total or None)

    def stop(self) -> None:
        if self._bar:
            self._bar.stop()

    def _started(self) -> Progress:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            ProgressColumn,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Task) -> Text:
                return Text(rate(task.description, task.speed))

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Rate(), TimeRemainingColumn())
        bar = Progress(*columns, console=Console(file=self._stream), transient=True, get_time=self._clock)
        bar.start()
        return bar


def rate(phase: str, speed: float | None) -> str:
    """What a phase gets done in a second, such as `1.2 GB/s`; nothing while that is unknown."""
    return f"{amount(speed, _COUNTED.get(phase, 'B'))}/s" if speed else ""


def amount(number: float, unit: str = "B") -> str:
    """A number with a decimal prefix: `1.2 GB`, `812 M weights`."""
    prefixes = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
    factor, prefix = next((each for each in prefixes if number >= each[0]), (1, ""))
    gap = " " * (prefix != "" and len(unit) > 1)
    return f"{number / factor:.4g} {prefix}{gap}{unit}"
