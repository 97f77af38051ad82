"""Channels of units along an axis, in as few rows as a pass over them finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pruneconf.tracing.channels.labels import Codes


class Run(NamedTuple):
    """Channels of some units along an axis, as in Member."""

    size: int
    offset: int = 0
    repeat: int = 1
    stride: int = 1
    first: int = 0
    times: int = 1
    period: int = 0


def runs_of(positions: Codes, units: Codes) -> Iterator[Run]:
    """Channels along an axis, in rising order, and their units, as few runs as a pass over them finds."""
    new = np.flatnonzero((np.diff(positions) != 1) | (np.diff(units) != 0)) + 1
    starts = np.concatenate([[0], new])
    lengths = np.diff(np.concatenate([starts, [len(positions)]]))
    offsets, names = positions[starts], units[starts]
    by_unit = np.argsort(names, kind="stable")
    firsts = np.searchsorted(names[by_unit], names[by_unit])
    turns = np.empty_like(firsts)
    turns[by_unit] = np.arange(len(names)) - firsts  # how many stretches of the same unit come before
    order = np.lexsort((names, turns))
    stretches = list(zip(*(a[order].tolist() for a in (offsets, lengths, names, turns)), strict=True))
    yield from _tiled(_joined(stretches))


def _joined(stretches: list[tuple[int, int, int, int]]) -> Iterator[Run]:
    """Stretches (offset, length, unit, turn) that follow one another evenly, made one run."""
    at = 0
    while at < len(stretches):
        offset, length, unit, turn = stretches[at]
        end, stride = at + 1, 0
        while end < len(stretches):
            step = stretches[end][0] - stretches[end - 1][0]
            follows = stretches[end][1:] == (length, unit + end - at, turn)
            if not follows or step <= 0 or step != (stride or step):
                break
            stride = step
            end += 1
        yield Run(length * (end - at), offset, length, stride or length, unit)
        at = end


def _tiled(runs: Iterable[Run]) -> Iterator[Run]:
    """Runs that are the same but for evenly spaced offsets, made one."""
    offsets: dict[Run, list[int]] = {}
    for run in runs:
        offsets.setdefault(run._replace(offset=0), []).append(run.offset)
    for run, places in offsets.items():
        steps = {after - before for before, after in pairwise(places)}
        if len(steps) == 1 and min(steps) > 0:
            times = len(places)
            yield run._replace(size=run.size * times, offset=places[0], times=times, period=steps.pop())
        else:
            yield from (run._replace(offset=place) for place in places)
