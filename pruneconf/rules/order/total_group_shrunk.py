"""Layers leave a `total_sparsity` group, so that its budget changes.

## What it does
Reports a group some of whose layers are taken over by a later sub-config that also prunes layers which nothing pruned
before, and says how many elements the group masks without them. A later sub-config that excludes, that only overrides,
or that lists these layers under `op_names` is deliberate: "80 % of all but these" is how a group is narrowed.

## Why is this bad?
Layers that leave are in neither side of the product: the total is a share of the layers that remain, and these are
masked otherwise than the sub-config alone says.

## Example
```layers
layer1.conv Conv2d 64x64x3x3
layer2.conv Conv2d 64x64x3x3
layer3.conv Conv2d 64x64x3x3
```
```yaml
- op_partial_names: [layer1., layer2.]
  total_sparsity: 0.5
  max_sparsity_per_layer: 0.8
- op_partial_names: [layer2., layer3.]
  sparsity_per_layer: 0.6
```

## Use instead
```yaml
- op_partial_names: [layer1., layer2.]
  total_sparsity: 0.5
  max_sparsity_per_layer: 0.8
- op_partial_names: [layer3.]
  sparsity_per_layer: 0.6
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.plan import Group, LayerSet, Takeover
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.order.overlaps import MOST_LABELS, by_sub_config, overlaps
from pruneconf.rules.words import some


@rule("PC307", "total-group-shrunk", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    leaving = by_sub_config(overlaps(ctx.plan, "PC307"), lambda overlap: overlap.earlier)
    for group in ctx.plan.groups:
        if group.sub_config in leaving:
            yield _finding(ctx, group, leaving[group.sub_config])


def _finding(ctx: Context, group: Group, taken: list[Takeover]) -> Finding:
    sub_config = ctx.sub_configs[group.sub_config]
    names = [layer.name for overlap in taken for layer in ctx.selection.layers(overlap.layers)]
    return ctx.finding(
        (*sub_config.path, "total_sparsity"),
        f"{some(names)} {'leaves' if len(names) == 1 else 'leave'} this group",
        label=f"masks {group.masked:,} elements instead of {_budget_with(ctx, group, taken):,}",
        help="narrow one of the two, or, if it is meant, list these layers under `op_names` in a sub-config behind",
        related=[
            ctx.label(ctx.sub_configs[overlap.later].path, f"takes {some(_names(ctx, overlap.layers))} over")
            for overlap in taken[:MOST_LABELS]
        ],
        layers=names,
    )


def _names(ctx: Context, layers: LayerSet) -> list[str]:
    return [layer.name for layer in ctx.selection.layers(layers)]


def _budget_with(ctx: Context, group: Group, taken: list[Takeover]) -> int:
    """How many elements the group would mask if these layers had stayed in it."""
    weights = {layer.parameter: layer.numel for layer in group.layers}
    for overlap in taken:
        weights |= {layer.parameter: layer.numel for layer in ctx.selection.layers(overlap.layers)}
    return group.ratio.of(sum(weights.values()))
