"""Histograms as pictures: SVG that stretches, with its labels as text beside it, so that they stay legible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from math import ceil, floor, log2
from typing import NamedTuple

from pruneconf.histogram import STEPS, Histogram

Counts = Mapping[int, float]

_TAIL = 0.002
"""Magnitudes below this share of all are drawn as one bar, lest they stretch the axis by many octaves."""
_MOST_LABELS = 4
_EDGE = 6
"""How near to the ends of an axis, in percent of it, a label would not be seen whole."""


class Spread(NamedTuple):
    """Weights by the bin of their magnitude: those that are masked, and all."""

    masked: Counts
    all: Counts


def together(parts: Iterable[tuple[Histogram, int]]) -> Spread:
    """Histograms of weights of so many elements as one; samples stand for the whole."""
    masked: dict[int, float] = {}
    everything: dict[int, float] = {}
    for histogram, numel in parts:
        scale = numel / max(1, histogram.seen)
        for counts, taken in ((histogram.masked, True), (histogram.kept, False)):
            for bin_, count in counts.items():
                everything[bin_] = everything.get(bin_, 0) + count * scale
                if taken:
                    masked[bin_] = masked.get(bin_, 0) + count * scale
    return Spread(masked, everything)


class _Range(NamedTuple):
    """The bins [first, stop) that are drawn."""

    first: int
    stop: int

    def place(self, magnitude: float) -> float:
        """Where a magnitude lies, from 0 on the left to 100."""
        at = 100 * (log2(magnitude) * STEPS - self.first) / (self.stop - self.first) if magnitude else 0
        return min(100.0, max(0.0, at))


def _range(spread: Spread, threshold: float | None) -> _Range:
    bins = sorted(spread.all)
    sums = list(accumulate(spread.all[bin_] for bin_ in bins))
    low = next(bin_ for bin_, sum_ in zip(bins, sums, strict=True) if sum_ > _TAIL * sums[-1])
    low = max(low, bins[-1] - 24 * STEPS)
    if threshold:
        low = min(low, floor(log2(threshold) * STEPS) - 1)
    return _Range(low - 1, bins[-1] + 1)


def chart(spread: Spread, threshold: float | None, title: str) -> str:
    """A histogram with its axis and, where there is one, a line at the threshold."""
    if not spread.all:
        return ""
    drawn = _range(spread, threshold)
    line = ""
    if threshold is not None:
        at = drawn.place(threshold)
        side = " left" if at > 50 else ""  # noqa: PLR2004 - the middle
        line = f'<div class="line{side}" style="left:{at:.2f}%"><span>threshold {threshold:.3g}</span></div>'
    places = {each: drawn.place(each) for each in _labels(drawn)}
    labels = "".join(
        f'<span style="left:{at:.2f}%">{each:g}</span>' for each, at in places.items() if _EDGE < at < 100 - _EDGE
    )
    return f'<div class="plot">{_picture(spread, drawn, title)}{line}</div><div class="axis">{labels}</div>'


def spark(spread: Spread, threshold: float | None) -> str:
    """The same, small and without words."""
    if not spread.all:
        return ""
    return _picture(spread, _range(spread, threshold), "")


def _picture(spread: Spread, drawn: _Range, title: str) -> str:
    everything = [_bar(spread.all, drawn, bin_) for bin_ in range(*drawn)]
    masked = [_bar(spread.masked, drawn, bin_) for bin_ in range(*drawn)]
    top = max(everything)
    paths = f'<path class="kept" d="{_steps(everything, top)}"/><path class="masked" d="{_steps(masked, top)}"/>'
    label = f'role="img" aria-label="{title}"' if title else 'aria-hidden="true"'
    return f'<svg viewBox="0 0 {len(everything)} 100" preserveAspectRatio="none" {label}>{paths}</svg>'


def _bar(counts: Counts, drawn: _Range, bin_: int) -> float:
    """What is in a bin; in the first, with everything below."""
    if bin_ > drawn.first:
        return counts.get(bin_, 0)
    return sum(count for below, count in counts.items() if below <= bin_)


def _steps(heights: list[float], top: float) -> str:
    """Bars without gaps, as one closed path."""
    return "M0 100" + "".join(f"V{100 - 96 * height / top:.4g}h1" for height in heights) + "V100Z"


def _labels(drawn: _Range) -> list[float]:
    """Powers of ten on the axis, a few of them."""
    low, high = drawn.first / STEPS / log2(10), drawn.stop / STEPS / log2(10)
    tens = range(ceil(low), floor(high) + 1)
    step = max(1, ceil(len(tens) / _MOST_LABELS))
    if len(tens) > 1:
        return [10.0**ten for ten in tens[::step]]
    return [float(f"{10 ** (low + (high - low) * part):.1g}") for part in (0.2, 0.5, 0.8)]
