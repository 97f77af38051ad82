"""Layers of a subclass are not selected by the name of their base class.

## What it does
Reports layers whose class is derived from one under `op_types`, where neither this sub-config nor another one selects
them.

## Why is this bad?
A layer is selected by the exact name of its class. `class MyConv(nn.Conv2d)` is a convolution to PyTorch, but no
`Conv2d` to the config: it stays as it is while all others are pruned. The output projection of `nn.MultiheadAttention`
is such a layer too, a `NonDynamicallyQuantizableLinear`.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 MyConv(Conv2d) 16x16x3x3
fc Linear 10x16
```
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d, MyConv]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.graph import Layer
from pruneconf.plan import DEFAULT_TYPES
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context, Item
from pruneconf.rules.words import some


@rule("PC210", "subclass-not-selected", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    left = [entry.layer for entry in ctx.plan.layers if entry.decided_by is None and entry.layer.bases]
    for item in ctx.items("op_types") if left else ():
        if not item.sub_config.exclude:
            wanted = DEFAULT_TYPES if item.value == "default" else (item.value,)
            found = [layer for layer in left if not set(layer.bases).isdisjoint(wanted) and _is_reached(layer, item)]
            if found:
                yield _finding(ctx, item, found, next(base for base in found[0].bases if base in wanted))
            left = [layer for layer in left if layer not in found]


def _is_reached(layer: Layer, item: Item) -> bool:
    """Whether nothing but its type keeps the sub-config from selecting the layer (of one that it names, see PC205)."""
    names, partial = item.sub_config.op_names, item.sub_config.op_partial_names
    if layer.name in (names or ()):
        return False
    return names is partial is None or any(part in layer.name for part in partial or ())


def _finding(ctx: Context, item: Item, layers: list[Layer], base: str) -> Finding:
    names = [layer.name for layer in layers]
    types = list(dict.fromkeys(layer.type for layer in layers))
    derived = "is a subclass" if len(types) == 1 else "are subclasses"
    return ctx.finding(
        item.path,
        f"this does not select {some(names)}: {some(types)} {derived} of `{base}`, and only the exact type counts",
        help=f"write {some(types)} too, or exclude {'it' if len(names) == 1 else 'them'} to say that this is meant",
        layers=names,
    )
