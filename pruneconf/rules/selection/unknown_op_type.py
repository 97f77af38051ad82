"""An `op_types` entry is the type of no module of the model.

## What it does
Looks for each entry of `op_types` among the class names of the model's modules. Where it is none of them, it says which
type was most likely meant, whether torch has such a type, and which types the model has, with the number of layers.

## Why is this bad?
The entry selects nothing. Types are compared letter by letter with the name of the module's class: `conv2d`,
`nn.Conv2d` and `Conv2D` are not `Conv2d`.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 Conv2d 16x16x3x3
fc Linear 10x16
```
```yaml
- op_types: [nn.conv2d]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Fix safety
Safe where only capitals, underscores or the module in front differ; unsafe (a guess) where letters do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from pruneconf.findings import Finding
from pruneconf.graph import ModelGraph
from pruneconf.rules.base import ERROR, SAFE, rule
from pruneconf.rules.context import Context, Item
from pruneconf.rules.layer_types import TORCH_TYPES
from pruneconf.rules.words import typed
from pruneconf.suggest import nearest


@rule("PC202", "unknown-op-type", severity=ERROR, needs="model", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    graph = ctx.graph
    known = {*graph.types, *(module.type for module in graph.modules)}
    instead = cache(lambda name: _instead(graph, name))
    for item in ctx.items("op_types"):
        if item.value == "default":
            if not ctx.selection.of_type("default"):
                message = "no layer has one of the types that `default` stands for"
                yield ctx.finding(item.path, message, help=_has(graph))
        elif item.value not in known:
            yield _unknown(ctx, item, *instead(item.value))


def _unknown(ctx: Context, item: Item, meant: str | None, safe: bool) -> Finding:
    name, fix = item.value, None
    torch_type = _alike(name, TORCH_TYPES)
    if meant:
        advice = f"did you mean `{meant}`? {_has(ctx.graph)}"
        fix = ctx.replace(item.path, meant, safe=safe)
    elif name in ctx.graph.by_name:
        advice = f"`{name}` is the name of a layer: write it under `op_names`"
    elif torch_type:
        advice = f"torch has `{torch_type}`, but this model has none; {_has(ctx.graph)}"
    else:
        advice = _has(ctx.graph)
    return ctx.finding(item.path, f"no layer has the type `{name}`", help=advice, fix=fix)


def _has(graph: ModelGraph) -> str:
    return f"the model has {typed(graph.types)}" if graph.types else "the model has no layers at all"


def _instead(graph: ModelGraph, name: str) -> tuple[str | None, bool]:
    """The type of the model that is meant, and whether that is beyond doubt."""
    same = _alike(name, graph.types)
    if same or _alike(name, TORCH_TYPES):
        return same, True
    near = nearest(name.rpartition(".")[2], graph.types)
    return (near[0] if near else None), False


def _alike(name: str, types: Iterable[str]) -> str | None:
    """The one type that differs from `name` in capitals, underscores or the module in front only."""
    wanted = _letters(name)
    found = [layer_type for layer_type in types if _letters(layer_type) == wanted]
    return found[0] if len(found) == 1 else None


def _letters(name: str) -> str:
    return name.rpartition(".")[2].replace("_", "").lower()
