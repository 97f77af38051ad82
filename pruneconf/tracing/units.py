"""Which channels go or stay together: all channels of a forward pass in units, and units of a kind in groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pruneconf.graph import Join, Limit, Pin
from pruneconf.tracing.channels.labels import Axis, Codes
from pruneconf.tracing.channels.relations import Link, Relations, Tie
from pruneconf.tracing.runs import Run, runs_of

Flags: TypeAlias = NDArray[np.bool_]
Owned: TypeAlias = Mapping[int, Sequence[Axis]]
"""For the index of each root axis, the axes of parameters that are the same as it."""


class Group:
    """A coupling in the making: for each root axis, the runs along it."""

    def __init__(self, units: int, runs: Mapping[int, Sequence[Run]]) -> None:
        self.units = units
        self.runs = runs
        self.joins: dict[Join, None] = {}
        self.limits: dict[tuple[str, str], Limit] = {}
        self.pins: dict[Pin, None] = {}

    def limit(self, limit: Limit) -> None:
        """Keep the strictest limit of each kind and module."""
        key = (limit.kind, limit.module)
        if key not in self.limits or self.limits[key].groups < limit.groups:
            self.limits[key] = limit


class Units:
    """All groups. Root axes without ties have a unit for each channel; the others form clusters."""

    def __init__(self, relations: Relations, owned: Owned) -> None:
        self.groups: list[Group] = []
        self._space = _Space(relations)
        self._clusters = _clusters(self._space, relations, owned)
        self._alone = {
            root: Group(axis.size, {root: [Run(axis.size)]})
            for root in owned
            if root not in self._clusters and (axis := relations.axes[root])
        }
        self.groups = [*self._alone.values()]
        for cluster in dict.fromkeys(self._clusters.values()):
            self.groups += cluster.groups.values()
        self.groups.sort(key=lambda group: min(group.runs))

    def groups_at(self, codes: Codes) -> Iterator[Group]:
        """The groups in which these channels are."""
        resolved = self._space.resolved(codes)
        homes = self._space.homes(resolved)
        for root in np.unique(homes).tolist():
            if root in self._clusters:
                yield from self._clusters[root].groups_at(resolved[homes == root])
            elif root in self._alone:
                yield self._alone[root]

    def even(self, codes: Codes, limit: Limit) -> bool:
        """Whether each unit has as many of these channels in each run as in any other, so that cuts stay even."""
        if limit.kind == "attention-heads" or len(codes) % limit.groups:
            return False
        resolved = self._space.resolved(codes)
        homes = np.unique(self._space.homes(resolved)).tolist()
        clusters = {self._clusters.get(root) for root in homes}
        cluster = clusters.pop()
        return not clusters and cluster is not None and cluster.even(resolved, limit.groups)


class _Space:
    """The numbers of all channels."""

    def __init__(self, relations: Relations) -> None:
        self.axes = relations.axes
        self.starts = relations.starts()
        self.resolved = relations.resolver()
        self.marks = np.random.default_rng(0).integers(1, 2**62, size=len(self.axes), dtype=np.int64)

    def homes(self, resolved: Codes) -> Codes:
        """The index of the root axis of each channel."""
        return np.searchsorted(self.starts, resolved, side="right") - 1

    def touched(self, codes: Codes) -> list[int]:
        """The root axes of these channels."""
        return np.unique(self.homes(self.resolved(codes.ravel()))).tolist()  # type: ignore[no-any-return]


def _clusters(space: _Space, relations: Relations, owned: Owned) -> dict[int, _Cluster]:
    """For each root axis with ties, the cluster of all axes to which ties lead from it."""
    parents: dict[int, int] = {}

    def top(root: int) -> int:
        while parents.setdefault(root, root) != root:
            root = parents[root]
        return root

    entries: list[tuple[int, Tie | Link]] = []
    all_entries: list[Tie | Link] = [*relations.ties, *relations.links]
    for entry in all_entries:
        first, *others = [root for codes in entry for root in space.touched(codes)]
        for other in others:
            parents[max(top(first), top(other))] = min(top(first), top(other))
        entries.append((top(first), entry))
    axes: dict[int, list[int]] = {}
    ties: dict[int, list[Tie]] = {}
    links: dict[int, list[Link]] = {}
    for root in sorted(parents):
        axes.setdefault(top(root), []).append(root)
    for root, entry in entries:
        if isinstance(entry, Tie):
            ties.setdefault(top(root), []).append(entry)
        else:
            links.setdefault(top(root), []).append(entry)
    found: dict[int, _Cluster] = {}
    for root, members in axes.items():
        cluster = _Cluster(space, members, ties.get(root, []), links.get(root, []), owned)
        found.update(dict.fromkeys(members, cluster))
    return found


class _Cluster:
    """Axes that ties connect. Their channels are numbered anew, `compact`, and brought together in units.

    Units of one kind, with equally many channels on the same axes, are a group. Channels that several heads share
    belong to none of them: they are pinned.
    """

    def __init__(
        self, space: _Space, axes: Sequence[int], ties: Sequence[Tie], links: Sequence[Link], owned: Owned
    ) -> None:
        self._space = space
        self._axes = np.array(axes, dtype=np.int64)
        self._starts = space.starts[self._axes]
        sizes = np.array([space.axes[index].size for index in axes], dtype=np.int64)
        self._offsets = np.cumsum(sizes) - sizes
        self._home = np.repeat(self._axes, sizes)
        self._owned = np.isin(self._home, list(owned))
        self._shared: list[Codes] = []
        self._unit = self._units(ties, links)
        self._kind = self._kinds()
        self.groups = self._groups()
        for shared in self._shared:
            for group in self._of_kinds(shared):
                group.pins[Pin("heads")] = None

    def _compact(self, resolved: Codes) -> Codes:
        homes = np.searchsorted(self._starts, resolved, side="right") - 1
        return self._offsets[homes] + resolved - self._starts[homes]

    def _pair(self, one: Codes, other: Codes) -> tuple[Codes, Codes]:
        return self._compact(self._space.resolved(one)), self._compact(self._space.resolved(other))

    def _units(self, ties: Sequence[Tie], links: Sequence[Link]) -> Codes:
        """The unit of each compact channel: heads are made first, then ties join heads and channels."""
        count = len(self._home)
        heads = components(count, [self._pair(*_pairs(link)) for link in links])
        in_head: Flags = np.bincount(heads, minlength=count)[heads] > 1
        edges = []
        for tie in ties:
            one, other = self._pair(tie.first, tie.second)
            shared = np.concatenate([_spread(one, other, heads, in_head), _spread(other, one, heads, in_head)])
            if len(shared):
                self._shared.append(shared)
                within = ~np.isin(one, shared) & ~np.isin(other, shared)
                one, other = one[within], other[within]
            edges.append((heads[one], heads[other]))
        return components(count, edges)[heads]

    def _kinds(self) -> Codes:
        """A number for each compact channel, equal for units of one kind; 0 where no parameter is part of the unit."""
        kinds = np.zeros(len(self._unit), dtype=np.int64)
        with np.errstate(over="ignore"):
            np.add.at(kinds, self._unit, self._space.marks[self._home] * self._owned)
        return kinds[self._unit]

    def _groups(self) -> dict[int, Group]:
        order = np.argsort(self._kind, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(self._kind[order])) + 1)
        return {int(self._kind[part[0]]): self._group(part) for part in parts if self._kind[part[0]]}

    def _group(self, part: Codes) -> Group:
        """The group of some compact channels, in rising order. Its units are counted as they first appear."""
        part = part[self._owned[part]]
        names, first, where = np.unique(self._unit[part], return_index=True, return_inverse=True)
        numbers = np.argsort(np.argsort(first))[where]
        homes = self._home[part]
        runs = {}
        for root in np.unique(homes).tolist():
            here = homes == root
            start = self._offsets[np.searchsorted(self._axes, root)]
            runs[root] = list(runs_of(part[here] - start, numbers[here]))
        return Group(len(names), runs)

    def _of_kinds(self, compact: Codes) -> Iterator[Group]:
        for kind in np.unique(self._kind[compact]).tolist():
            if kind in self.groups:
                yield self.groups[kind]

    def groups_at(self, resolved: Codes) -> Iterator[Group]:
        """The groups in which these channels are."""
        return self._of_kinds(self._compact(resolved))

    def even(self, resolved: Codes, groups: int) -> bool:
        """Whether each of so many equal runs has the same units."""
        runs = np.sort(self._unit[self._compact(resolved)].reshape(groups, -1), axis=1)
        return bool((runs == runs[0]).all())


def components(count: int, edges: Sequence[tuple[Codes, Codes]]) -> Codes:
    """The smallest node of each node's connected component."""
    names = np.arange(count, dtype=np.int64)
    if not edges:
        return names
    one = np.concatenate([first for first, _ in edges])
    other = np.concatenate([second for _, second in edges])
    while True:
        low = np.minimum(names[one], names[other])
        new = names.copy()
        np.minimum.at(new, names[one], low)
        np.minimum.at(new, names[other], low)
        while not np.array_equal(new[new], new):
            new = new[new]
        if np.array_equal(new, names):
            return names
        names = new


def _pairs(link: Link) -> tuple[Codes, Codes]:
    """Parts and channels pairwise, without channels that all parts have in common: they stay when one part goes."""
    rows = link.channels
    parts, codes = np.repeat(link.parts, rows.shape[1]), rows.ravel()
    common = np.intersect1d(rows[0], rows[-1]) if len(rows) > 1 else rows[:0]
    common = common[[bool((rows == code).any(axis=1).all()) for code in common]]
    own = ~np.isin(codes, common)
    return parts[own], codes[own]


def _spread(one: Codes, other: Codes, heads: Codes, in_head: Flags) -> Codes:
    """The channels in `one` that are in no head and tied to more than one, such as the scale of a norm within heads."""
    candidates = ~in_head[one] & in_head[other]
    if not candidates.any():
        return one[:0]
    pairs = np.unique(one[candidates] * len(heads) + heads[other[candidates]])
    nodes, counts = np.unique(pairs // len(heads), return_counts=True)
    return nodes[counts > 1]
