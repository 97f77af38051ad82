"""Where thresholds lie, by a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import cbrt, ceil, floor, sqrt

import numpy as np

from pruneconf.pruning.device import DeviceArray, Shipped
from pruneconf.pruning.floats import Bits, Elements, Format, narrowed
from pruneconf.pruning.pieces import Holding, Piece
from pruneconf.pruning.search import Ground, Search, Task
from pruneconf.pruning.survey import Window
from pruneconf.pruning.workers import Workers

_WORTH_SAMPLING = 1 << 17
"""Of fewer elements, all are kept."""
_BLOCK, _READ_BLOCK = 16, 1 << 10
"""Neighbours that are sampled together, since they cost one access to memory, or one read of a file."""
_MOST_SAMPLED = 1 << 22
_DEVIATIONS = 6


def windows(tasks: Sequence[Task], holding: Holding, workers: Workers) -> list[Window]:
    """For each task the window in which a sample says that its threshold lies, in the format of the task."""
    sample = [piece for task in tasks for piece in _sample(task, holding)]
    taken = holding.sums(tasks, ((piece.layer, [piece.size]) for piece in sample), 1)
    ends = [_ends(task, holding, {i: taken[i][0] for i in task.layers}) for task in tasks]
    Ground(sample, holding.team, workers).find([end for pair in ends for end in pair if isinstance(end, Search)])
    return [Window(*(end.low if isinstance(end, Search) else end for end in pair)) for pair in ends]


def narrow(window: Window, wide: Format, own: Format) -> Window:
    """A window in a layer's own format: what lies in this one."""
    least = min(narrowed(window.low, wide, own), own.infinity)
    whole = window.high >= wide.infinity
    return Window(least, max(least, own.infinity if whole else narrowed(window.high + 1, wide, own) - 1))


def _ends(task: Task, holding: Holding, taken: Mapping[int, int]) -> tuple[Search | int, Search | int]:
    """Both ends of a task's window, or searches for them in a sample that has so many elements of each layer."""
    wide, sizes, known = holding.wide(task), holding.sizes(task), list(taken.values())
    of = sum(known)
    if not task.count or not of:
        return 0, wide.infinity if task.count else 0
    middle = task.count * of / sum(sizes)
    error = _DEVIATIONS * sqrt(max(0, middle * (1 - middle / of))) + 2 * _BLOCK
    low, high = floor(middle - error), ceil(middle + error)
    most = [round(cap * here / size) if size else 0 for cap, here, size in zip(task.most, known, sizes, strict=True)]

    def search(rank: int) -> Search:
        return Search.over(Task(task.layers, rank, most), known, wide)

    room = range(1, sum(map(min, most, known)) + 1)
    return search(low) if low in room else 0, search(high) if high in room else wide.infinity


def _sample(task: Task, holding: Holding) -> list[Piece]:
    """Every n-th block of all that this process has of a task, as if it were one: about 2 size^(2/3) elements of all
    that there are, from where on to sample more takes longer than it spares.
    """
    size = sum(holding.sizes(task))
    if size < _WORTH_SAMPLING or not task.count:
        return []
    step = max(2, round(max(cbrt(size) / 2, size / _MOST_SAMPLED)))
    found, passed = [], 0
    for piece in holding.pieces([task]):
        bits = piece.bits.elements if isinstance(piece.bits, Shipped) else piece.bits
        block = _BLOCK if isinstance(bits, np.ndarray | DeviceArray) else _READ_BLOCK
        found.append(replace(piece, bits=_blocks(bits, -passed % step, step, block)))
        passed += bits.size // block
    return found


def _blocks(bits: Elements, first: int, step: int, block: int) -> Bits:
    """The blocks with the numbers `first`, `first + step`, ..."""
    if isinstance(bits, DeviceArray):
        return bits.sample(first, step, block)
    if isinstance(bits, np.ndarray):
        return bits[: bits.size - bits.size % block].reshape(-1, block)[first::step].reshape(-1)
    starts = range(first * block, bits.size - bits.size % block, step * block)
    return np.concatenate([bits[start : start + block] for start in starts] or [bits[:0]])
