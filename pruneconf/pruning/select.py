"""Exact selection of the weights with the lowest magnitudes, under caps per layer, by one process or by many.

The order is strict: by magnitude, then layer, then flat index. A scan in that order that takes an element unless its
layer has lost all it may, and stops after `count`, masks the least Σ|w| that the caps allow (they form a laminar
matroid, on which the greedy algorithm is optimal). The scan need not be made. Let F_l(t) be the number of elements of
layer l with |w| <= t and c_l the most it may lose: the scan has taken Σ min(F_l(t), c_l) elements when it has passed
t. The least t at which that sum reaches `count` is the threshold. A layer that is full before is cut at a threshold of
its own, which is looked for in a second round.

A sample says in which window a threshold lies with near certainty. One pass over the weights counts what is below the
window and keeps what is inside, about a hundredth, and the threshold is found among that (Floyd and Rivest, "Expected
time bounds for selection", 1975). Where it turns out to lie elsewhere, or the window is crowded, it is searched in all
of the weights. So what comes out depends neither on the sample nor on threads, chunks, processes or the device.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np

from pruneconf.errors import PruneconfError
from pruneconf.pruning.cuts import Cut, reject
from pruneconf.pruning.floats import Weights, narrowed
from pruneconf.pruning.pieces import Holding, Piece, Share, shares
from pruneconf.pruning.search import Ground, Search, Source, Task
from pruneconf.pruning.survey import Found, Window, survey
from pruneconf.pruning.team import ALONE, Team
from pruneconf.pruning.windows import narrow, windows
from pruneconf.pruning.workers import Workers

_BATCH = 1 << 22
"""Elements of small tasks whose thresholds are looked for together."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Layers that are ranked together: `count` of their elements are masked, at most `most[i]` in layer i."""

    layers: Sequence[Share]
    count: int
    most: Sequence[int]


def select(layers: Sequence[Weights], count: int, most: Sequence[int], workers: Workers) -> list[Cut]:
    """Choose exactly `count` elements of the layers of a group, in layer i at most `most[i]`.

    Raises PruneconfError where the caps do not leave room for `count`, or a weight is NaN.
    """
    return select_all([Group(shares(layers, ALONE), count, most)], workers)[0]


def select_all(groups: Sequence[Group], workers: Workers, team: Team = ALONE) -> list[list[Cut]]:
    """Choose the elements of several groups in one pass over all their layers; see `select`.

    In a team each process has a share of each layer, and all get the cuts of all layers, or the same error.
    """
    spans = [range(*span) for span in pairwise(accumulate((len(group.layers) for group in groups), initial=0))]
    tasks = [task for span, group in zip(spans, groups, strict=True) for task in _tasks(span, group)]
    selection = _Selection(Holding([layer for group in groups for layer in group.layers], team), workers)
    while tasks:
        tasks = selection.select(tasks)
    return [[selection.cuts[i] for i in span] for span in spans]


def _tasks(numbers: Sequence[int], group: Group) -> list[Task]:
    """What is to be done for a group: one thing, or one for each layer where all will be full."""
    sizes = [layer.size for layer in group.layers]
    most = list(map(min, group.most, sizes))
    if group.count > sum(most):
        raise PruneconfError(f"cannot mask {group.count} elements: the caps of the layers leave room for {sum(most)}")
    if group.count == sum(most):
        return [Task([i], cap, [size]) for i, cap, size in zip(numbers, most, sizes, strict=True)]
    return [Task(numbers, group.count, most if len(most) > 1 else sizes)]


class _Selection:
    """The rounds of a selection; `cuts` is by layer."""

    def __init__(self, holding: Holding, workers: Workers) -> None:
        self._holding, self._workers = holding, workers
        self._aside = Workers(chunk=workers.chunk)  # what was kept is little: threads would wait for each other
        self.cuts: dict[int, Cut] = {}

    def select(self, tasks: Sequence[Task]) -> list[Task]:
        """Cut the layers of tasks; what is left to do are those that are full before their threshold."""
        batches = list(self._batches(tasks))
        expected = [windows(batch, self._holding, self._aside) for batch in batches]
        surveyed = survey([self._wanted(*each) for each in zip(batches, expected, strict=True)], self._workers)
        left: list[Task] = []
        missed: list[Task] = []
        for batch, where, found in zip(batches, expected, surveyed, strict=True):
            below, gaps = self._joined(batch, found)
            known = [each for each in zip(batch, where, strict=True) if gaps.isdisjoint(each[0].layers)]
            missed += [task for task in batch if not gaps.isdisjoint(task.layers)]
            missed += self._cut([self._search(*each, below) for each in known], found, self._aside, left)
        self._cut(list(map(self._search, missed)), self._holding.pieces(missed), self._workers, left)
        return left

    def _batches(self, tasks: Sequence[Task]) -> Iterator[list[Task]]:
        """What is surveyed before thresholds are looked for: little, so that not much is kept at a time; but everything
        in a team, which exchanges all at once.
        """
        batch: list[Task] = []
        size = 0
        for task in tasks:
            more = sum(self._holding.sizes(task))
            if batch and size + more > _BATCH and self._holding.team.size == 1:
                yield batch
                batch, size = [], 0
            batch.append(task)
            size += more
        yield batch

    def _wanted(self, tasks: Sequence[Task], where: Sequence[Window]) -> list[tuple[Piece, Window]]:
        """Each piece of these tasks, and what is looked for in it."""
        found = []
        for task, window in zip(tasks, where, strict=True):
            wide = self._holding.wide(task)
            found += [(piece, narrow(window, wide, piece.format)) for piece in self._holding.pieces([task])]
        return found

    def _joined(self, tasks: Sequence[Task], found: Iterable[Found]) -> tuple[dict[int, int], set[int]]:
        """How many elements of each layer are below its window, and the layers of which not all in it is known.

        Raises PruneconfError where there is a NaN.
        """
        sums = self._holding.sums(tasks, ((each.layer, (each.nan, each.below, not each.whole)) for each in found), 3)
        for i, (nan, _, _) in sums.items():
            reject(self._holding.layers[i].layer, nan, self._holding.layers[i].size)
        return {i: below for i, (_, below, _) in sums.items()}, {i for i, (_, _, gaps) in sums.items() if gaps}

    def _search(self, task: Task, window: Window | None = None, below: Mapping[int, int] | None = None) -> Search:
        """A search in a window, below which there are so many elements of each layer, or everywhere."""
        lower = [below[i] for i in task.layers] if below else ()
        return Search.over(task, self._holding.sizes(task), self._holding.wide(task), window, lower)

    def _cut(
        self, searches: Sequence[Search], sources: Sequence[Source], workers: Workers, left: list[Task]
    ) -> list[Task]:
        """Cut the layers of searches at their thresholds, but of those whose thresholds are not among these sources
        return the tasks. What is to be cut at a threshold of its own is added to `left`.
        """
        if not searches:
            return []
        tasks = [search.task for search in searches]
        layers = {i for task in tasks for i in task.layers}
        ground = Ground([source for source in sources if source.layer in layers], self._holding.team, workers)
        ground.find(searches)
        mine = ground.tally(searches).tolist()
        sums = self._holding.sums(tasks, zip((source.layer for source in ground.sources), mine, strict=True), 2)
        missed = []
        partial: dict[int, int] = {}
        for search in searches:
            counts = [sums[i] for i in search.task.layers]
            if search.succeeded(counts):
                left += self._cut_layers(search, counts, partial)
            else:
                missed.append(search.task)
        self._stop_inside(partial, ground.sources, [ties for _, ties in mine])
        return missed

    def _cut_layers(self, search: Search, counts: Sequence[Sequence[int]], partial: dict[int, int]) -> Iterator[Task]:
        """Cut the layers of a search that have so many elements below the threshold and at it. Yields those that are
        full before; `partial` gets those that lose only some at it, and how many.
        """
        task = search.task
        left = task.count - sum(min(below, cap) for (below, _), cap in zip(counts, task.most, strict=True))
        for i, cap, (below, ties) in zip(task.layers, task.most, counts, strict=True):
            own, size = self._holding.layers[i].format, self._holding.layers[i].size
            threshold, quota = narrowed(search.low, search.wide, own), min(ties, cap - below, left)
            if not task.count or not cap:
                self.cuts[i] = Cut(0, 0, 0)
            elif below > cap:
                yield Task([i], cap, [size])
            elif threshold > own.infinity:
                self.cuts[i] = Cut.whole(own, size)
            else:
                left -= quota
                self.cuts[i] = Cut(threshold, size if quota else 0, below + quota)
                if 0 < quota < ties:
                    partial[i] = quota

    def _stop_inside(self, partial: Mapping[int, int], sources: Sequence[Source], ties: Sequence[int]) -> None:
        """Find out up to where the ties go in layers that lose only some of theirs."""
        if not partial:
            return
        mine = [(each.layer, each.start, n) for each, n in zip(sources, ties, strict=True) if each.layer in partial]
        by_layer: dict[int, list[tuple[int, int]]] = {i: [] for i in partial}
        for layer, start, n in sorted(each for process in self._holding.team.gather(mine) for each in process):
            by_layer[layer].append((start, n))
        own = {(each.layer, each.start): each for each in sources}
        stops = np.zeros(len(partial), np.int64)
        for place, (layer, quota) in enumerate(partial.items()):
            up_to = list(accumulate(n for _, n in by_layer[layer]))
            at = bisect_left(up_to, quota)
            start, n = by_layer[layer][at]
            if source := own.get((layer, start)):
                stops[place] = source.after(self.cuts[layer].threshold, quota - up_to[at] + n, self._workers.chunk)
        for layer, stop in zip(partial, self._holding.team.sum(stops).tolist(), strict=True):
            self.cuts[layer] = replace(self.cuts[layer], stop=stop)
