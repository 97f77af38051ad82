"""How magnitudes are spread, and which of them a pruner took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

STEPS = 4
"""Bins an octave: bin i holds the magnitudes from 2**(i / STEPS) on, up to the next bin."""


ZEROS = -(1 << 13)
"""The bin of zero: below those of all numbers."""


class Histogram(NamedTuple):
    """The magnitudes of one weight, or of `seen` of its elements where it has many.

    `masked[i]` and `kept[i]` count what lies in bin i; infinities lie in none.
    """

    seen: int
    masked: Mapping[int, int]
    kept: Mapping[int, int]
