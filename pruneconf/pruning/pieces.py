"""Layers in pieces: what each process has of them, and what all have together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pruneconf.pruning.cuts import after_tie
from pruneconf.pruning.device import DeviceArray, Shipped
from pruneconf.pruning.floats import Bits, Counts, Elements, Format, Weights, common, magnitudes
from pruneconf.pruning.search import Task
from pruneconf.pruning.team import Team


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """`size` elements of an array from index `start` on, not read yet."""

    whole: Elements
    start: int
    size: int

    def __getitem__(self, part: slice) -> Any:
        first, last, _ = part.indices(self.size)
        return self.whole[self.start + first : self.start + max(first, last)]


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What this process has of a layer with `size` elements: stretches by the flat index where they begin."""

    layer: str
    format: Format
    size: int
    stretches: Mapping[int, Elements]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of the layer with this number, from flat index `start` on."""

    layer: int
    start: int
    format: Format
    bits: Elements

    below = 0
    """How many of its elements are not looked at, because they are below all that are searched for."""

    @property
    def size(self) -> int:
        """How many elements there are."""
        return self.bits.size

    def keys(self, start: int, stop: int, wide: Format) -> tuple[Bits, Counts | None]:
        """Magnitudes of some of the elements in a wider format, and how many there are of each, None for one."""
        return magnitudes(self.bits[start:stop], self.format, wide), None

    def after(self, threshold: int, number: int, chunk: int) -> int:
        """The flat index just after the `number`-th element at a threshold in the layer's own format."""
        return self.start + after_tie(self.bits, self.format, range(0, self.size, chunk), threshold, number)


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """What this process has of all layers, which tasks give by number, and with whom it shares the work."""

    layers: Sequence[Share]
    team: Team

    def pieces(self, tasks: Iterable[Task]) -> list[Piece]:
        """What it has of the layers of tasks."""
        return [
            Piece(i, start, self.layers[i].format, bits)
            for task in tasks
            for i in task.layers
            for start, bits in self.layers[i].stretches.items()
        ]

    def sizes(self, task: Task) -> list[int]:
        """The number of elements of each layer, whoever has them."""
        return [self.layers[i].size for i in task.layers]

    def wide(self, task: Task) -> Format:
        """The format in which all magnitudes of a task are compared."""
        return common({self.layers[i].format for i in task.layers})

    def sums(
        self, tasks: Iterable[Task], numbers: Iterable[tuple[int, Sequence[int]]], each: int
    ) -> dict[int, list[int]]:
        """So many numbers for each layer of these tasks, added up, also over all processes."""
        layers = [i for task in tasks for i in task.layers]
        places = {layer: place for place, layer in enumerate(layers)}
        sums = np.zeros((len(layers), each), np.int64)
        for layer, more in numbers:
            sums[places[layer]] += more
        return dict(zip(layers, self.team.sum(sums).tolist(), strict=True))


def shares(layers: Sequence[Weights], team: Team) -> list[Share]:
    """A process's share of layers that all can read: as many elements as any other has."""
    mine = team.share(sum(layer.bits.size for layer in layers))
    found, passed = [], 0
    for layer in layers:
        size = layer.bits.size
        start, stop = (min(max(end - passed, 0), size) for end in (mine.start, mine.stop))
        stretches = {start: part(layer.bits, start, stop)} if start < stop else {}
        found.append(Share(layer.layer, layer.format, size, stretches))
        passed += size
    return found


def part(bits: Elements, start: int, stop: int) -> Elements:
    """Some of the elements, where they are."""
    if isinstance(bits, np.ndarray):
        return bits[start:stop]
    if isinstance(bits, DeviceArray):
        return DeviceArray(bits.patterns[start:stop])
    if isinstance(bits, Shipped):
        return Shipped(part(bits.elements, start, stop), bits.device)
    return Stretch(bits, start, stop - start)
