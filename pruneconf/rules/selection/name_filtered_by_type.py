"""Layers listed under `op_names` are dropped because of their type.

## What it does
Reports `op_names` entries whose layer has none of the types under `op_types` of the same sub-config, while the
sub-config does select others.

## Why is this bad?
The layer was named, yet the sub-config does not select it: a layer must have one of the names and one of the types.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 Conv2d 16x16x3x3
fc Linear 10x16
```
```yaml
- op_types: [Conv2d]
  op_names: [conv1, fc]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d, Linear]
  op_names: [conv1, fc]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import SubConfig
from pruneconf.findings import Finding
from pruneconf.graph import Layer
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.words import some


@rule("PC205", "name-filtered-by-type", severity=WARNING, needs="model")
def check(ctx: Context) -> Iterator[Finding]:
    selection = ctx.selection
    faulty = ctx.faulty_sub_configs()
    for sub_config in ctx.sub_configs:
        if sub_config.index in faulty or not sub_config.op_types or not sub_config.op_names:
            continue
        if not all(map(selection.of_type, sub_config.op_types)):  # the type that is missing may be misspelt
            continue
        dropped = selection.of_names(sub_config.op_names) & ~selection.of_types(sub_config.op_types)
        if dropped and selection.of(sub_config):
            yield _finding(ctx, sub_config, sub_config.op_names, selection.layers(dropped))


def _finding(ctx: Context, sub_config: SubConfig, op_names: tuple[str, ...], layers: tuple[Layer, ...]) -> Finding:
    names = [layer.name for layer in layers]
    types = list(dict.fromkeys(layer.type for layer in layers))
    first = min(op_names.index(name) for name in names)
    are, several = ("is", "") if len(names) == 1 else ("are", "s")
    return ctx.finding(
        (*sub_config.path, "op_names", first),
        f"{some(names)} {are} not selected: {some(types)} {'is' if len(types) == 1 else 'are'} not under `op_types`",
        help=f"add {some(types)} to `op_types`, or leave the name{several} out",
        related=[ctx.label((*sub_config.path, "op_types"), "only these types are selected")],
        layers=names,
    )
