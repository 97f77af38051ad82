"""Words that messages of several rules share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def some(names: Sequence[str], most: int = 3) -> str:
    """`a`, `b`, `c` and 4 more."""
    if len(names) > most + 1:
        return f"{', '.join(f'`{name}`' for name in names[:most])} and {len(names) - most:,} more"
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def counted(number: int, noun: str) -> str:
    """1 layer, 2 layers."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def typed(counts: Mapping[str, int], most: int = 8) -> str:
    """`Conv2d` (20), `Linear` (1), ..., the most frequent ones."""
    frequent = sorted(counts.items(), key=lambda entry: -entry[1])
    listed = ", ".join(f"`{name}` ({count:,})" for name, count in frequent[:most])
    return listed + (", …" if len(counts) > most else "")
