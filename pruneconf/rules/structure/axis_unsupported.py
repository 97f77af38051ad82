"""A structured pruner is to prune layers that have no output channels.

## What it does
Under a structured pruner (`l1`, `l2`, `fpgm`, `random`): reports pruned layers that are neither convolutions nor
linear, such as embeddings and normalisations.

## Why is this bad?
These pruners mask whole output channels: filters of a convolution, rows of a linear weight. A row of an embedding is a
word, the weight of a normalisation has a single dimension; there is no channel to score, and the pruner refuses.

## Example
With `--pruner l2`:
```layers
embed Embedding 1000x64
fc1 Linear 256x64
fc2 Linear 64x256
```
```yaml
- op_types: [Embedding, Linear]
  sparsity_per_layer: 0.5
```

## Use instead
With `--pruner l2`:
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.graph import Layer
from pruneconf.plan import Action, channel_axis
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.selection.entries import entry_reaching
from pruneconf.rules.words import typed


@rule("PC508", "axis-unsupported", severity=ERROR, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    if not ctx.pruner.is_structured or not ctx.graph.is_typed:
        return
    without: dict[int, list[Layer]] = {}
    for entry in ctx.plan.layers:
        if entry.action is Action.PRUNE and entry.decided_by is not None and channel_axis(entry.layer) is None:
            without.setdefault(entry.decided_by, []).append(entry.layer)
    for index, layers in without.items():
        names = [layer.name for layer in layers]
        yield ctx.finding(
            entry_reaching(ctx.selection, ctx.sub_configs[index], ctx.selection.of_names(names)),
            f"`{ctx.pruner}` masks output channels, and these layers have none: {_counts(layers)}",
            help="leave them out, or prune them by `level`",
            layers=names,
        )


def _counts(layers: list[Layer]) -> str:
    counts: dict[str, int] = {}
    for layer in layers:
        counts[layer.type] = counts.get(layer.type, 0) + 1
    return f"{typed(counts)}, such as `{layers[0].name}`"
