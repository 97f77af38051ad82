"""An `op_names` entry is the name of a container.

## What it does
Reports entries of `op_names` that name a module which has no weight of its own but layers below it, such as a
`Sequential` or a block.

## Why is this bad?
A name selects the module of that name and nothing below it, so the layers inside are neither pruned nor excluded.

## Example
```layers
features Sequential -
features.0 Conv2d 16x3x3x3
features.3 Conv2d 32x16x3x3
classifier Linear 10x32
```
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
- op_names: [features]
  exclude: true
```

## Use instead
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
- op_partial_names: [features.]
  exclude: true
```

## Fix safety
Unsafe: the layers below become selected, normalisations included. There is a fix only where the container stands alone
in its list.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding, Fix
from pruneconf.graph import Module, Weight
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context, Item
from pruneconf.rules.words import counted, some


@rule("PC206", "container-name", severity=ERROR, needs="model", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for item in ctx.items("op_names"):
        module = ctx.graph.modules_by_name.get(item.value)
        if module and module.weight is Weight.NONE and module.children:
            are = "is" if module.children == 1 else "are"
            below = f"its {counted(module.children, 'layer')} {are} not selected"
            message = f"`{item.value}` is a container ({module.type}): {below}"
            yield ctx.finding(item.path, message, help=_advice(ctx, module), fix=_fix(ctx, item, module))


def _part(module: Module) -> str:
    """What the names of all the layers below have in common."""
    return f"{module.name}."


def _advice(ctx: Context, module: Module) -> str:
    part = _part(module)
    matched = [layer.name for layer in ctx.selection.layers(ctx.selection.of_partial_name(part))]
    others = [name for name in matched if not name.startswith(part)]
    also = f", which {some(others)} contain{'s' * (len(others) == 1)} too" if others else ""
    return f"write `op_partial_names: [{part}]` to select them{also}"


def _fix(ctx: Context, item: Item, module: Module) -> Fix | None:
    names = item.sub_config.op_names
    if names != (item.value,) or item.sub_config.op_partial_names is not None:
        return None
    part = _part(module)
    key = ctx.replace(item.path[:-1], "op_partial_names", safe=False, key=True)
    value = ctx.replace(item.path, part, safe=False)
    return Fix(f"replace with `op_partial_names: [{part}]`", False, (*key.edits, *value.edits))
