"""From what a forward pass ties together to couplings.

First the channels of each head are made one, because code that reads a dimension as heads times channels can only
lose whole heads. Then ties make units: sets of channels that go or stay together. Units that have equally many
channels on the same axes make one coupling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pruneconf.graph import Coupling, Join, Limit, Member, Pin, Side
from pruneconf.tracing.channels.labels import Axis, Codes
from pruneconf.tracing.channels.relations import Link, Relations, Tie

Flags: TypeAlias = NDArray[np.bool_]
Seats: TypeAlias = Callable[[str, int], Sequence[tuple[str, Side]]]
"""The members, by name and side, for which a dimension of a parameter stands."""


class _Run(NamedTuple):
    """Channels of some units along an axis, as in Member."""

    size: int
    offset: int = 0
    repeat: int = 1
    stride: int = 1
    first: int = 0
    times: int = 1
    period: int = 0


class _Group:
    """A coupling in the making: for each root axis, the runs along it."""

    def __init__(self, units: int, runs: Mapping[int, Sequence[_Run]]) -> None:
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


def couplings_of(relations: Relations, seats: Seats) -> tuple[Coupling, ...]:
    """The couplings of a recorded forward pass, in model order."""
    owned: dict[int, list[Axis]] = {}
    for axis in relations.axes:
        if axis.owner is not None:
            owned.setdefault(relations.root(axis).index, []).append(axis)
    units = _Units(relations, owned)
    for code, join in relations.joins:
        for group in units.groups_at(np.array([code])):
            group.joins[join] = None
    for codes, limit in relations.limits:
        for group in () if units.even(codes, limit) else units.groups_at(codes):
            group.limit(limit)
    for codes, pin in relations.pins:
        for group in units.groups_at(codes):
            group.pins[pin] = None
    made = (_coupling(group, owned, seats) for group in units.groups)
    return tuple(coupling for coupling in made if _says_something(coupling))


def _coupling(group: _Group, owned: Mapping[int, Sequence[Axis]], seats: Seats) -> Coupling:
    axes = sorted((axis.index, root, axis.owner or ("", 0)) for root in group.runs for axis in owned[root])
    members = [
        Member(name, side, dim, *run)
        for _, root, (key, dim) in axes
        for name, side in seats(key, dim)
        for run in group.runs[root]
    ]
    order = sorted(range(len(members)), key=lambda position: members[position].side is Side.IN)
    return Coupling(
        units=group.units,
        members=tuple(members[position] for position in order),
        joins=tuple(sorted(group.joins)),
        limits=tuple(sorted(group.limits.values())),
        pins=tuple(sorted(group.pins)),
    )


def _says_something(coupling: Coupling) -> bool:
    """Whether somebody makes these channels, and somebody else cares."""
    made = any(member.side is Side.OUT for member in coupling.members)
    return made and (len(coupling.members) > 1 or bool(coupling.limits) or bool(coupling.pins))


class _Units:
    """All channels in units and groups.

    Root axes without ties have a unit for each channel. The channels of the others are numbered anew, `compact`, and
    brought together in components.
    """

    def __init__(self, relations: Relations, owned: Mapping[int, Sequence[Axis]]) -> None:
        self.groups: list[_Group] = []
        self._axes = relations.axes
        self._starts = relations.starts()
        self._resolved = relations.resolver()
        self._by_axis: dict[int, _Group] = {}
        self._by_kind: dict[int, _Group] = {}
        self._tied = self._tied_axes(relations)
        self._tied_starts = self._starts[self._tied]
        sizes = np.array([self._axes[index].size for index in self._tied], dtype=np.int64)
        self._offsets = np.cumsum(sizes) - sizes
        self._home = np.repeat(self._tied, sizes)
        self._unit = self._components(relations, int(sizes.sum()))
        self._kind = self._kinds(owned)
        self._make_groups(owned)

    def _tied_axes(self, relations: Relations) -> Codes:
        codes = [codes for tie in relations.ties for codes in tie]
        codes += [codes for link in relations.links for codes in (link.parts, link.channels.ravel())]
        homes = [np.unique(self._axis_indices(self._resolved(each))) for each in codes]
        return np.unique(np.concatenate(homes)) if homes else np.zeros(0, dtype=np.int64)

    def _axis_indices(self, resolved: Codes) -> Codes:
        return np.searchsorted(self._starts, resolved, side="right") - 1

    def _compact(self, codes: Codes) -> Codes:
        resolved = self._resolved(codes)
        homes = np.searchsorted(self._tied_starts, resolved, side="right") - 1
        return self._offsets[homes] + resolved - self._tied_starts[homes]

    def _components(self, relations: Relations, count: int) -> Codes:
        """The unit of each compact channel."""
        pairs = [_pairs(link) for link in relations.links]
        heads = components(count, [(self._compact(one), self._compact(other)) for one, other in pairs])
        in_head = np.bincount(heads, minlength=count)[heads] > 1 if count else np.zeros(0, dtype=bool)
        edges = [_without_spreads(self._compact_tie(tie), heads, in_head) for tie in relations.ties]
        merged = components(count, [(heads[one], heads[other]) for one, other in edges])
        return merged[heads]

    def _compact_tie(self, tie: Tie) -> tuple[Codes, Codes]:
        return self._compact(tie.first), self._compact(tie.second)

    def _kinds(self, owned: Mapping[int, Sequence[Axis]]) -> Codes:
        """A number for each compact channel, equal for units with equally many channels on the same axes."""
        marks = np.random.default_rng(0).integers(1, 2**62, size=len(self._axes), dtype=np.int64)
        marks[[axis.index for axis in self._axes if axis.index not in owned]] = 0
        kinds = np.zeros(len(self._unit), dtype=np.int64)
        with np.errstate(over="ignore"):
            np.add.at(kinds, self._unit, marks[self._home])
        return kinds[self._unit]

    def _make_groups(self, owned: Mapping[int, Sequence[Axis]]) -> None:
        tied = set(self._tied.tolist())
        for root in owned:
            if root not in tied:
                size = self._axes[root].size
                self._by_axis[root] = self._add(_Group(size, {root: [_Run(size)]}))
        order = np.argsort(self._kind, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(self._kind[order])) + 1):
            if len(members) and self._kind[members[0]]:
                self._by_kind[int(self._kind[members[0]])] = self._add(self._group(members, owned))
        self.groups.sort(key=lambda group: min(group.runs))

    def _add(self, group: _Group) -> _Group:
        self.groups.append(group)
        return group

    def _group(self, members: Codes, owned: Mapping[int, Sequence[Axis]]) -> _Group:
        """The group of some compact channels, in rising order."""
        members = members[np.isin(self._home[members], list(owned))]
        names, first, where = np.unique(self._unit[members], return_index=True, return_inverse=True)
        numbers = np.argsort(np.argsort(first))[where]
        runs = {}
        homes = self._home[members]
        for root in np.unique(homes):
            here = homes == root
            start = self._offsets[np.searchsorted(self._tied, root)]
            runs[int(root)] = list(_runs(members[here] - start, numbers[here]))
        return _Group(len(names), runs)

    def even(self, codes: Codes, limit: Limit) -> bool:
        """Whether each unit has as many of these channels in each run as in any other, so that cuts stay even."""
        if limit.kind == "attention-heads" or not np.isin(self._axis_indices(self._resolved(codes)), self._tied).all():
            return False
        runs = np.sort(self._unit[self._compact(codes)].reshape(limit.groups, -1), axis=1)
        return bool((runs == runs[0]).all())

    def groups_at(self, codes: Codes) -> Iterator[_Group]:
        """The groups in which these channels are."""
        homes = self._axis_indices(self._resolved(codes))
        tied = np.isin(homes, self._tied)
        for root in np.unique(homes[~tied]):
            if int(root) in self._by_axis:
                yield self._by_axis[int(root)]
        if tied.any():
            for kind in np.unique(self._kind[self._compact(codes[tied])]):
                if int(kind) in self._by_kind:
                    yield self._by_kind[int(kind)]


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
    parts, codes = np.repeat(link.parts, link.channels.shape[1]), link.channels.ravel()
    distinct, counts = np.unique(codes, return_counts=True)
    count = len(link.parts)
    if count == 1 or counts.max(initial=1) < count:
        return parts, codes
    of_pairs = np.unique(np.stack([parts, codes]), axis=1)[1]
    distinct, counts = np.unique(of_pairs, return_counts=True)
    own = ~np.isin(codes, distinct[counts == count])
    return parts[own], codes[own]


def _without_spreads(tie: tuple[Codes, Codes], heads: Codes, in_head: Flags) -> tuple[Codes, Codes]:
    """A tie without the channels that belong to several heads at once, such as the scale of a norm within heads.

    They stay when a head goes.
    """
    one, other = tie
    drop = _spreads(one, other, heads, in_head) | _spreads(other, one, heads, in_head)
    return one[~drop], other[~drop]


def _spreads(one: Codes, other: Codes, heads: Codes, in_head: Flags) -> Flags:
    """Where `one` is in no head and tied to more than one."""
    candidates: Flags = ~in_head[one] & in_head[other]
    if not candidates.any():
        return candidates
    pairs = np.unique(np.stack([one[candidates], heads[other[candidates]]]), axis=1)
    nodes, counts = np.unique(pairs[0], return_counts=True)
    spread: Flags = candidates & np.isin(one, nodes[counts > 1])
    return spread


def _runs(positions: Codes, units: Codes) -> Iterator[_Run]:
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


def _joined(stretches: list[tuple[int, int, int, int]]) -> Iterator[_Run]:
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
        yield _Run(length * (end - at), offset, length, stride or length, unit)
        at = end


def _tiled(runs: Iterable[_Run]) -> Iterator[_Run]:
    """Runs that are the same but for evenly spaced offsets, made one."""
    offsets: dict[_Run, list[int]] = {}
    for run in runs:
        offsets.setdefault(run._replace(offset=0), []).append(run.offset)
    for run, places in offsets.items():
        steps = {after - before for before, after in pairwise(places)}
        if len(steps) == 1 and min(steps) > 0:
            times = len(places)
            yield run._replace(size=run.size * times, offset=places[0], times=times, period=steps.pop())
        else:
            yield from (run._replace(offset=place) for place in places)
