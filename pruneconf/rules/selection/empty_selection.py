"""The selectors of a sub-config select nothing together.

## What it does
Reports a sub-config each of whose entries fits some layer, but in which no layer has one of the names and one of the
types.

## Why is this bad?
Selectors narrow each other down: a layer must have one of the types and one of the names. A sub-config that selects no
layer has no effect at all.

## Example
```layers
conv1 Conv2d 16x3x3x3
fc Linear 10x16
```
```yaml
- op_types: [Conv2d]
  op_names: [fc]
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
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.selection.entries import each_entry_fits
from pruneconf.rules.words import some


@rule("PC204", "empty-selection", severity=ERROR, needs="model")
def check(ctx: Context) -> Iterator[Finding]:
    faulty = ctx.faulty_sub_configs()
    for sub_config in ctx.sub_configs:
        if sub_config.index in faulty or not sub_config.op_types or ctx.selection.of(sub_config):
            continue
        if each_entry_fits(ctx.selection, sub_config):
            yield _finding(ctx, sub_config)


def _finding(ctx: Context, sub_config: SubConfig) -> Finding:
    selection = ctx.selection
    by_key = {
        "op_names": selection.of_names(sub_config.op_names or ()),
        "op_partial_names": selection.of_partial_names(sub_config.op_partial_names or ()),
    }
    layers = selection.layers(by_key["op_names"] | by_key["op_partial_names"])
    return ctx.finding(
        (*sub_config.path, "op_types"),
        "no layer has one of these types and one of the names given here",
        label="none of these types",
        help=f"write {_types(layers)} under `op_types`, or other names",
        related=[
            ctx.label((*sub_config.path, key), f"matches {_types(selection.layers(named))}")
            for key, named in by_key.items()
            if named
        ],
        layers=[layer.name for layer in layers],
    )


def _types(layers: tuple[Layer, ...]) -> str:
    return some(list(dict.fromkeys(layer.type for layer in layers)))
