"""A layer is pruned that the forward pass never runs.

## What it does
Reports pruned layers that a traced forward pass neither called nor read, such as the auxiliary classifier of a model
that is only used in training.

## Why is this bad?
Masks on such a layer change nothing about what the model computes. In a `total_sparsity` group its weights count all
the same: if they are masked, others are spared, and what really runs is pruned less than the total says.

## Example
```layers
conv1 Conv2d 16x3x3x3
fc Linear 10x16
aux Linear 10x16 never-called
```
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
- op_names: [aux]
  exclude: true
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.plan import Action
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.selection.entries import entry_reaching
from pruneconf.rules.words import some


@rule("PC503", "never-called", severity=WARNING, needs="graph")
def check(ctx: Context) -> Iterator[Finding]:
    used = {layer.parameter for layer in ctx.graph.layers if layer.calls != 0}
    idle: dict[int, list[str]] = {}
    for entry in ctx.plan.layers:
        if entry.action is Action.PRUNE and entry.decided_by is not None and entry.layer.parameter not in used:
            idle.setdefault(entry.decided_by, []).append(entry.layer.name)
    for index, names in idle.items():
        it, runs = ("it", "is") if len(names) == 1 else ("them", "are")
        yield ctx.finding(
            entry_reaching(ctx.selection, ctx.sub_configs[index], ctx.selection.of_names(names)),
            f"{some(names)} {runs} never called: pruning {it} changes nothing about what the model computes",
            help=f"exclude {it}, or trace the model with inputs that use {it}",
            layers=names,
        )
