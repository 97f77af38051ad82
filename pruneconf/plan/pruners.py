"""The reference pruners by name, and what they mask."""

from __future__ import annotations

from pruneconf.graph import Layer

PRUNERS = ("level", "l1", "l2", "fpgm", "random")
"""`level` masks single elements of a weight; the others mask whole output channels."""

_OUTPUT_AXES = {
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d", "Linear"), 0),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Conv1D"), 1),
}


def is_structured(pruner: str) -> bool:
    """Whether a pruner masks channels, so that amounts count channels."""
    return pruner != "level"


def output_axis(layer: Layer) -> int | None:
    """The axis of a weight that counts the layer's output channels; None where its type is no conv or linear.

    The type is the layer's own or, for a subclass of such a type, the nearest of its bases.
    """
    for kind in (layer.type, *layer.bases):
        if kind in _OUTPUT_AXES:
            axis = _OUTPUT_AXES[kind]
            return axis if axis < len(layer.shape) else None
    return None
