"""A partial name also prunes normalisations or embeddings.

## What it does
Reports a sub-config that prunes normalisation layers or embeddings which it reaches by a partial name alone: it has no
`op_types`, does not list them under `op_names`, and the partial name matches other layers too.

## Why is this bad?
A partial name selects every layer below a block. The few weights of a BatchNorm or LayerNorm scale whole channels, and
a row of an embedding is one token: masking them saves nothing and costs much accuracy.

## Example
```layers
layer1.0.conv Conv2d 64x64x3x3
layer1.0.bn BatchNorm2d 64
layer1.1.conv Conv2d 64x64x3x3
layer1.1.bn BatchNorm2d 64
```
```yaml
- op_partial_names: [layer1.]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_partial_names: [layer1.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import SubConfig
from pruneconf.findings import Finding
from pruneconf.plan import LayerSet
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.layer_types import scales_or_embeds
from pruneconf.rules.selection.entries import entry_reaching
from pruneconf.rules.words import some, typed


@rule("PC509", "normalisation-or-embedding", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    delicate = ctx.selection.of_types(filter(scales_or_embeds, ctx.graph.types))
    for sub_config in ctx.sub_configs:
        if not sub_config.exclude and sub_config.op_types is None:
            reached = delicate & ctx.plan.effective[sub_config.index] & ~_meant(ctx, sub_config, delicate)
            if reached:
                yield _finding(ctx, sub_config, reached, delicate)


def _meant(ctx: Context, sub_config: SubConfig, delicate: LayerSet) -> LayerSet:
    """Layers that are named, or matched by a partial name that matches nothing but normalisations and embeddings."""
    meant = ctx.selection.of_names(sub_config.op_names or ())
    for partial in sub_config.op_partial_names or ():
        matched = ctx.selection.of_partial_name(partial)
        if not matched & ~delicate:
            meant |= matched
    return meant


def _finding(ctx: Context, sub_config: SubConfig, reached: LayerSet, delicate: LayerSet) -> Finding:
    layers = ctx.selection.layers(reached)
    counts: dict[str, int] = {}
    for layer in layers:
        counts[layer.type] = counts.get(layer.type, 0) + 1
    wanted = ctx.selection.layers(ctx.plan.selected[sub_config.index] & ~delicate)
    types = list(dict.fromkeys(layer.type for layer in wanted))
    return ctx.finding(
        entry_reaching(ctx.selection, sub_config, reached),
        f"this also prunes {typed(counts)}, such as `{layers[0].name}`",
        help=f"narrow it down with `op_types`: {some(types)}",
        layers=[layer.name for layer in layers],
    )
