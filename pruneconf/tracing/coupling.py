"""From what a forward pass ties together to couplings.

First the channels of each head are made one, because code that reads a dimension as heads times channels can only
lose whole heads. Then ties make units: sets of channels that go or stay together. Units that have equally many
channels on the same axes make one coupling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from pruneconf.graph import Coupling, Member, Side
from pruneconf.tracing.channels.labels import Axis, codes_of
from pruneconf.tracing.channels.relations import Relations
from pruneconf.tracing.units import Group, Units

Seats: TypeAlias = Callable[[str, int], Sequence[tuple[str, Side]]]
"""The members, by name and side, for which a dimension of a parameter stands."""


def couplings_of(relations: Relations, seats: Seats) -> tuple[Coupling, ...]:
    """The couplings of a recorded forward pass, in model order."""
    owned: dict[int, list[Axis]] = {}
    for axis in relations.axes:
        if axis.owner is not None:
            owned.setdefault(relations.root(axis).index, []).append(axis)
    units = Units(relations, owned)
    for joined, join in relations.joins:
        for group in units.groups_at(codes_of(joined)):
            group.joins[join] = None
    for codes, limit in relations.limits:
        for group in () if units.even(codes, limit) else units.groups_at(codes):
            group.limit(limit)
    for codes, pin in relations.pins:
        for group in units.groups_at(codes):
            group.pins[pin] = None
    made = (_coupling(group, owned, seats) for group in units.groups)
    return tuple(coupling for coupling in made if _says_something(coupling))


def _coupling(group: Group, owned: Mapping[int, Sequence[Axis]], seats: Seats) -> Coupling:
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
