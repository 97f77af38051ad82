"""Where the channels of a set lie: which tensors have them, along which axis, at which indices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pruneconf.graph import Coupling, Layer, Member, ModelGraph, Side
from pruneconf.pruning.floats import Bools
from pruneconf.pruning.tensors import Kind

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """The channels of a run of units in one tensor.

    `key` is that of its mask, `names` are those under which the tensor is stored. Unit `first + i` has the channels
    `channels[i]` along `axis`; the tensor has shape `shape`. `owner` is the layer, or parameter, in messages.
    """

    key: str
    names: tuple[str, ...]
    owner: str
    side: Side
    axis: int
    shape: tuple[int, ...]
    first: int
    channels: Indices

    def lost(self, units: Bools) -> Indices:
        """The channels of the units that are marked."""
        return self.channels[units[self.first : self.first + len(self.channels)]].reshape(-1)


def strips(graph: ModelGraph, coupling: Coupling, available: Mapping[str, Kind], *sides: Side) -> Iterator[Strip]:
    """The strips of a coupling, for members on these sides, in the tensors that are available (by name).

    A bias has the output channels of its layer's weight, or those that a norm works on. Where it is a multiple as long
    (grouped ConvTranspose, each of whose groups has all channels of the weight), it has each of them so many times.
    """
    sharing = _sharing(graph)
    for member in coupling.members:
        if member.side not in sides:
            continue
        layer = graph.by_name.get(member.layer)
        names = (member.layer,) if layer is None else (layer.parameter, *graph.shared.get(layer.parameter, ()))
        if found := _strip(member, names, member.axis, available):
            yield found
        if layer is None or member.side is Side.IN:
            continue
        for owner in sharing[layer.parameter]:
            biases = tuple(f"{name}.bias" if name else "bias" for name in (owner.name, *owner.aliases))
            size = layer.shape[member.axis]
            if found := _strip(member, biases, 0, available, size):
                yield found


def _sharing(graph: ModelGraph) -> dict[str, list[Layer]]:
    """The layers that own each weight."""
    found: dict[str, list[Layer]] = {}
    for layer in graph.layers:
        found.setdefault(layer.parameter, []).append(layer)
    return found


def _strip(
    member: Member, names: tuple[str, ...], axis: int, available: Mapping[str, Kind], size: int | None = None
) -> Strip | None:
    """The strip of a member in the first of these tensors that is there and has as many channels, or a multiple."""
    stored = tuple(name for name in names if name in available)
    shape = available[stored[0]][1] if stored else ()
    if axis >= len(shape) or (size and (len(shape) != 1 or shape[0] % size)):
        return None
    channels = channels_of(member)
    if size and shape[0] != size:
        channels = np.concatenate([channels + start for start in range(0, shape[0], size)], axis=1)
    return Strip(names[0], stored, member.layer, member.side, axis, shape, member.first, channels)


def channels_of(member: Member) -> Indices:
    """The channels of each unit of a member: shape (units, channels of one)."""
    units = np.arange(len(member.units), dtype=np.int64)[:, None, None] * member.stride
    turns = np.arange(member.times, dtype=np.int64)[:, None] * member.period
    places = member.offset + units + turns + np.arange(member.repeat, dtype=np.int64)
    return np.asarray(places.reshape(len(member.units), -1))
