"""The pruners by name, and what those that mask whole channels can work on."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pruneconf.errors import PruneconfError
from pruneconf.graph import Layer


class Pruner(StrEnum):
    """How weights are scored, and what is masked at once."""

    LEVEL = "level"
    """Single elements, by their magnitude."""
    L1 = "l1"
    """Whole output channels, by their L1 norm."""
    L2 = "l2"
    """Whole output channels, by their L2 norm."""
    FPGM = "fpgm"
    """Whole output channels, by their distance to the layer's other channels."""
    RANDOM = "random"
    """Whole output channels, by a seeded draw."""

    @property
    def is_structured(self) -> bool:
        """Whether it masks whole output channels, so that amounts count channels."""
        return self is not Pruner.LEVEL


_OUT_AXES = {
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d", "Linear", "Bilinear"), 0),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), 1),
    "Conv1D": 1,  # the linear layer of GPT-2
}


def pruner_named(name: str) -> Pruner:
    """The pruner of this name. Raises PruneconfError where there is none."""
    try:
        return Pruner(name)
    except ValueError:
        from pruneconf.suggest import did_you_mean, nearest

        hint = did_you_mean(nearest(name, tuple(Pruner))) or f"the pruners are {', '.join(Pruner)}"
        raise PruneconfError(f"there is no pruner `{name}`; {hint}") from None


def channel_axis(layer: Layer) -> int | None:
    """The dimension of the weight that counts the output channels a structured pruner masks.

    None where the layer is neither a convolution nor linear (nor a subclass of one): it has no such channels.
    """
    kind = next((kind for kind in (layer.type, *layer.bases) if kind in _OUT_AXES), None)
    axis = None if kind is None else _OUT_AXES[kind]
    return axis if axis is not None and axis < len(layer.shape) else None


def maskables(layers: Iterable[Layer], pruner: Pruner) -> list[int]:
    """What `maskable` says of each of some layers."""
    if not pruner.is_structured:
        return [layer.numel for layer in layers]
    return [maskable(layer, pruner) for layer in layers]


def maskable(layer: Layer, pruner: Pruner) -> int:
    """What a layer's ratio is a share of: its output channels for a structured pruner, else the elements of its weight.

    A layer without such channels counts by elements; a structured pruner refuses it.
    """
    axis = channel_axis(layer) if pruner.is_structured else None
    return layer.numel if axis is None else layer.shape[axis]
