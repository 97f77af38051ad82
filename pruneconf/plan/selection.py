"""Which layers a selector selects, as sets of layers that are cheap to combine.

A set of layers is an int whose bit `i` stands for the layer with index `i`: union, intersection and difference of
10,000 layers then cost a microsecond, so that a plan stays near-linear in layers and sub-configs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from pruneconf.config import SubConfig
from pruneconf.errors import PruneconfError
from pruneconf.graph import Layer, ModelGraph

if TYPE_CHECKING:
    from pruneconf.suggest import DottedNames

LayerSet = int

_MOST = 20_000
"""How many selections by names are remembered, and of how many names the likeness."""

DEFAULT_TYPES = (
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Linear",
    "Bilinear",
    "PReLU",
    "Embedding",
    "EmbeddingBag",
)
"""What `op_types: [default]` stands for."""


def bits(layers: LayerSet) -> Iterator[int]:
    """The indices in a set, ascending."""
    digits = bin(layers)[:1:-1]
    i = digits.find("1")
    while i >= 0:
        yield i
        i = digits.find("1", i + 1)


class Selection:
    """The selectors of a config applied to one model."""

    def __init__(self, graph: ModelGraph) -> None:
        self.graph = graph
        self.everything: LayerSet = (1 << len(graph.layers)) - 1
        self._index = {layer.name: i for i, layer in enumerate(graph.layers)}
        self._names_backwards = [layer.name for layer in reversed(graph.layers)]
        self._by_type = {
            name: self._set(i for i, layer in enumerate(graph.layers) if layer.type == name) for name in graph.types
        }
        self._dotted: DottedNames | None = None
        self.of_partial_name = lru_cache(_MOST)(self._of_partial_name)
        self._of_names = lru_cache(_MOST)(self._named)

    def dotted_names(self) -> DottedNames:
        """The names of the layers, to find the one that was meant; kept for the next time, unless there are many."""
        from pruneconf.suggest import DottedNames

        if len(self._index) > _MOST:
            return DottedNames(self._index)
        self._dotted = self._dotted or DottedNames(self._index)
        return self._dotted.again()

    def _set(self, indices: Iterable[int]) -> LayerSet:
        flags = bytearray(len(self.graph.layers) // 8 + 1)
        for i in indices:
            flags[i >> 3] |= 1 << (i & 7)
        return int.from_bytes(flags, "little")

    def of_type(self, op_type: str) -> LayerSet:
        """Layers of this exact type; `default` stands for `DEFAULT_TYPES`."""
        if op_type == "default":
            return self.of_types(DEFAULT_TYPES)
        return self._by_type.get(op_type, 0)

    def of_types(self, op_types: Iterable[str]) -> LayerSet:
        """Layers of any of these types."""
        found = 0
        for op_type in op_types:
            found |= self.of_type(op_type)
        return found

    def of_names(self, op_names: Iterable[str]) -> LayerSet:
        """Layers with one of these names."""
        return self._of_names(tuple(op_names))

    def _named(self, op_names: tuple[str, ...]) -> LayerSet:
        index = self._index
        return self._set(index[name] for name in op_names if name in index)

    def _of_partial_name(self, partial: str) -> LayerSet:
        """Layers whose name contains this text."""
        digits = ["1" if partial in name else "0" for name in self._names_backwards]
        return int("".join(digits), 2) if digits else 0

    def of_partial_names(self, op_partial_names: Iterable[str]) -> LayerSet:
        """Layers whose name contains one of these texts."""
        found = 0
        for partial in op_partial_names:
            found |= self.of_partial_name(partial)
        return found

    def of(self, sub_config: SubConfig) -> LayerSet:
        """Layers that a sub-config selects. Raises PruneconfError where it asks for types and they are not known."""
        if sub_config.op_types is not None and not self.graph.is_typed:
            raise PruneconfError(
                f"`{self.graph.source}` does not tell the types of layers, so that `op_types` cannot be matched: "
                "select layers by name, or name the code that builds the model"
            )
        found = self.everything
        if sub_config.op_names is not None or sub_config.op_partial_names is not None:
            found = self.of_names(sub_config.op_names or ())
            found |= self.of_partial_names(sub_config.op_partial_names or ())
        return found if sub_config.op_types is None else found & self.of_types(sub_config.op_types)

    def layers(self, layers: LayerSet) -> tuple[Layer, ...]:
        """The layers of a set, in model order."""
        return tuple(self.graph.layers[i] for i in bits(layers))
