"""Amounts that count channels: sets of channels that are masked as wholes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pruneconf.graph import Coupling, Layer, Member, Side
from pruneconf.plan.pruners import channel_axis


class ChannelSet(NamedTuple):
    """Channels in units of which each is masked whole or not at all.

    `channels` says what is in a unit: one output channel of one layer or, coupled, channels of several. `layers` are
    the ranked layers among them, those that share a weight once; `unit` counts the elements of their weights in one
    unit. At most `most` units are masked, equally many in each of `runs` equal runs of units.
    """

    channels: Coupling
    layers: tuple[Layer, ...]
    unit: int
    most: int
    runs: int = 1

    def share_of(self, layer: Layer) -> int:
        """How many elements of a layer's weight one unit has."""
        members = [each for each in self.channels.members if each.layer == layer.name and each.side is Side.OUT]
        return sum(each.size * (layer.numel // (layer.shape[each.axis] or 1)) for each in members) // (
            self.channels.units or 1
        )


class ChannelBudget(NamedTuple):
    """An order to the pruner: mask units of these sets, the lowest scores first, as long as no set loses more than
    it may and all of them together at most `count` elements.
    """

    sub_config: int
    sets: tuple[ChannelSet, ...]
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks of a budget

    @property
    def room(self) -> int:
        """How many elements the sets may lose at most."""
        return min(self.count, sum(each.most * each.unit for each in self.sets))


def channels(layer: Layer) -> int:
    """How many output channels a layer has; without elements, or of a type without channels, it has none."""
    axis = channel_axis(layer)
    return layer.shape[axis] if axis is not None and layer.numel else 0


def channel_size(layer: Layer) -> int:
    """How many elements of a layer's weight one output channel has; 0 where it has no channels."""
    count = channels(layer)
    return layer.numel // count if count else 0


def own_set(layer: Layer, most: int) -> ChannelSet:
    """The output channels of a layer by itself, of which at most `most` are masked."""
    count, axis = channels(layer), channel_axis(layer) or 0
    alone = Coupling(count, (Member(layer.name, Side.OUT, axis, count),))
    return ChannelSet(alone, (layer,), channel_size(layer), most)


def distinct(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Each weight once: of layers that share one, the first."""
    first: dict[str, Layer] = {}
    for layer in layers:
        first.setdefault(layer.parameter, layer)
    return tuple(first.values())
