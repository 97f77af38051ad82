"""Dotted names of repeated blocks, folded: `layers.0-79.mlp`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

Name: TypeAlias = tuple[str, ...]
"""The segments of a dotted name; `0-79` stands for all those numbers."""


def fold(names: Iterable[Name]) -> list[Name]:
    """Names that differ in one number made one, again and again; in the order of the first of them."""
    folded = list(dict.fromkeys(names))
    for depth in reversed(range(max(map(len, folded), default=0))):
        slots: dict[tuple[Name, Name] | Name, list[Name]] = {}
        for name in folded:
            numbered = len(name) > depth and name[depth].isdecimal()
            slots.setdefault((name[:depth], name[depth + 1 :]) if numbered else name, []).append(name)
        folded = [_merged(same, depth) for same in slots.values()]
    return folded


def _merged(names: Sequence[Name], depth: int) -> Name:
    if len(names) == 1:
        return names[0]
    return (*names[0][:depth], ranges(int(name[depth]) for name in names), *names[0][depth + 1 :])


def ranges(numbers: Iterable[int]) -> str:
    """`0-3,5` for 0, 1, 2, 3 and 5."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in runs)
