"""Which channels of which layers can only be removed together."""

from __future__ import annotations

from enum import StrEnum
from math import lcm
from typing import NamedTuple


class Side(StrEnum):
    """How a layer takes part in a channel."""

    OUT = "out"
    """It makes the channel: a filter of a convolution, a row of a linear weight, a column of an embedding."""
    IN = "in"
    """It reads the channel."""
    THROUGH = "through"
    """It works on each channel by itself: norms, PReLU, learned scales. (A depthwise convolution has filters: out.)"""


class Member(NamedTuple):
    """A run of channels along one axis of a weight.

    `layer` is the layer's name; for a parameter that is no layer's weight (`attn.in_proj_weight`), its state-dict key.
    The run covers `size` channels: unit `first + i` has the `repeat` channels from `offset + i * stride` on. The whole
    may come `times` times over, every `period` channels, as with the gates of an LSTM. An axis in which a unit has
    channels at uneven places, such as that of a concatenation's consumer, has a member for each run.
    """

    layer: str
    side: Side
    axis: int
    size: int
    offset: int = 0
    repeat: int = 1
    stride: int = 1
    first: int = 0
    times: int = 1
    period: int = 0

    @property
    def units(self) -> range:
        """The units of which this run holds channels."""
        return range(self.first, self.first + self.size // (self.repeat * self.times))

    def channels(self, unit: int) -> tuple[int, ...]:
        """The channels of one unit, as indices along `axis`; empty where the run has none of it."""
        if unit not in self.units:
            return ()
        start = self.offset + (unit - self.first) * self.stride
        starts = (start + turn * self.period for turn in range(self.times))
        return tuple(channel for each in starts for channel in range(each, each + self.repeat))


class Join(NamedTuple):
    """An operation that makes channels of several layers one: `add`, `mul`, `cat`, ...

    `place` is the line of the model's source that calls it, such as `model.py:31`; empty where none was found.
    """

    op: str
    place: str = ""


class Limit(NamedTuple):
    """A demand on how many channels may stay.

    `grouped-convolution` and `group-norm`: the channels stand in `groups` equal runs, and as many must stay in each.
    `attention-heads`: a unit is one whole head; with fewer key than query heads, one key head and its query heads.
    `module` is the name of the module that makes the demand.
    """

    kind: str
    groups: int
    module: str


class Pin(NamedTuple):
    """A reason why no channel can go.

    `input`: the channels are joined with those of the model's input. `output`: they are seen in the model's output
    called `name`. `heads`: several attention heads share them; they stay while any of these does. `unknown`: they
    run through the operation `name`, of which it is not known what it does to channels.
    """

    kind: str
    name: str = ""


class Coupling(NamedTuple):
    """A set of channels in `units` units: all channels of a unit, of every member, go or stay together.

    Members stand in model order, and each channel of a layer's axis belongs to one coupling at most. An axis of one
    channel belongs to none.
    """

    units: int
    members: tuple[Member, ...]
    joins: tuple[Join, ...] = ()
    limits: tuple[Limit, ...] = ()
    pins: tuple[Pin, ...] = ()

    @property
    def divisor(self) -> int:
        """The number of units that stay must be a multiple of this."""
        return lcm(*(limit.groups for limit in self.limits if limit.kind != "attention-heads"))

    def layers(self, side: Side) -> tuple[str, ...]:
        """The members on one side, each once."""
        return tuple(dict.fromkeys(member.layer for member in self.members if member.side == side))


class Parameter(NamedTuple):
    """A parameter with two or more dimensions that is no layer's weight; `owner` is the type of its module."""

    name: str
    shape: tuple[int, ...]
    owner: str
