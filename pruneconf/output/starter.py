"""A first config for a model: commented, and clean under the linter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pruneconf.document import Document
from pruneconf.document.edits import scalar_text
from pruneconf.errors import PruneconfError
from pruneconf.graph import Layer, ModelGraph
from pruneconf.output.style import command_line

RATIO = "0.5"
_LEFT_ALONE = ("Norm", "Embedding")
_WIDTH = 100


def starter(graph: ModelGraph, model: str, config: str) -> str:
    """The text of a config that prunes half of every layer worth it and leaves the ends of the model alone.

    `model` and `config` are what the user calls the two, for the commands in the comments.
    """
    if not graph.is_typed:
        raise PruneconfError(
            f"`{model}` tells neither the types nor the order of the layers, which a first config needs: "
            "name the code that builds the model"
        )
    worth = [layer for layer in graph.layers if _is_worth(layer)]
    if not worth:
        raise PruneconfError(f"`{model}` has no layer worth pruning (convolutions and linear layers are)")
    kept = _kept(graph, worth)
    types = list(dict.fromkeys(layer.type for layer in worth if layer not in kept))
    chosen = [layer for layer in graph.layers if layer.type in types]
    left_out = [layer for layer in chosen if layer in kept or not _is_worth(layer)]
    return "\n".join([*_head(graph, model, config), *_body(types, left_out), ""])


def _is_worth(layer: Layer) -> bool:
    matrix = 2
    return len(layer.shape) >= matrix and layer.numel >= matrix and not any(word in layer.type for word in _LEFT_ALONE)


def _kept(graph: ModelGraph, worth: list[Layer]) -> list[Layer]:
    """The first and the last layer where others remain, and layers that share a weight with one left alone."""
    alone = {layer.parameter for layer in graph.layers if layer not in worth}
    kept = [layer for layer in worth if layer.parameter in alone or graph.shared.get(layer.parameter)]
    rest = [layer for layer in worth if layer not in kept]
    ends = [rest[0], rest[-1]] if len(rest) > 2 else []  # noqa: PLR2004 - something must remain between the ends
    return kept + ends if rest else []


def _head(graph: ModelGraph, model: str, config: str) -> Iterator[str]:
    yield f"# How to prune {graph.type}: {len(graph.layers)} layers, {graph.parameters:,} parameters."
    yield f"# Check:  {command_line('pruneconf', 'lint', model, config)}"
    yield f"# Plan:   {command_line('pruneconf', 'show', model, config)}"
    yield "#"
    widest = max(map(len, graph.types))
    for name, count in graph.types.items():
        weights = sum(layer.numel for layer in graph.layers if layer.type == name)
        yield f"#   {name:{widest}} {count:6,} layer{'s' if count != 1 else ' '} {weights:15,} weights"
    yield ""


def _body(types: list[str], left_out: list[Layer]) -> Iterator[str]:
    yield "# Mask the smallest weights of each of these layers. For one budget over all of them, in which layers that"
    yield "# can spare more lose more, write `total_sparsity` (and `max_sparsity_per_layer` as a cap) instead."
    yield from _list("- op_types: ", types)
    yield f"  sparsity_per_layer: {RATIO}"
    if left_out:
        yield ""
        yield "# The last sub-config that selects a layer decides about it: these are left as they are. The first and"
        yield "# the last layer, layers that share their weight, and tiny ones save little and cost much accuracy."
        yield from _list("- op_names: ", [layer.name for layer in left_out])
        yield "  exclude: true"


def _list(key: str, values: Iterable[str]) -> Iterator[str]:
    """A YAML list, in one line where it fits."""
    document = Document("config.yaml", "")
    texts = [scalar_text(document, value) for value in values]
    line = f"{key}[{', '.join(texts)}]"
    if len(line) <= _WIDTH:
        yield line
        return
    yield key.rstrip()
    yield from (f"    - {text}" for text in texts)
