"""Pruning a layer also changes another one that shares its weight.

## What it does
Reports layers that are pruned and share their weight with a layer, or a parameter, that no sub-config selects.

## Why is this bad?
A shared weight is there once: whoever else uses it gets the pruned one. Language models often share the weight of the
embedding with the last linear layer, so that pruning all `Linear` layers prunes the embedding.

## Example
```layers
embed Embedding 1000x64
block.fc Linear 64x64
head Linear 1000x64 = embed.weight
```
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.5
- op_names: [head]
  exclude: true
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.plan import Action, LayerPlan
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.selection.entries import entry_reaching
from pruneconf.rules.words import counted, some


@rule("PC502", "tied-weights", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    explained = {entry.layer.parameter for entry, _ in ctx.plan.conflicts()}  # PC501 speaks
    shared = ctx.graph.shared.keys() - explained
    sharing: dict[str, list[LayerPlan]] = {}
    for entry in ctx.plan.layers if shared else ():
        if entry.layer.parameter in shared:
            sharing.setdefault(entry.layer.parameter, []).append(entry)
    found: dict[int, list[tuple[LayerPlan, list[str]]]] = {}
    for parameter, entries in sharing.items():
        pruned = [entry for entry in entries if entry.action is Action.PRUNE]
        others = _others(ctx, parameter, entries)
        if pruned and others:
            found.setdefault(pruned[0].decided_by or 0, []).append((pruned[0], others))
    for index, pairs in found.items():
        yield _finding(ctx, index, pairs)


def _others(ctx: Context, parameter: str, entries: list[LayerPlan]) -> list[str]:
    """Who else uses the weight: layers that nothing selects, and keys that are no layer's."""
    names = {f"{name}.weight" for entry in entries for name in (entry.layer.name, *entry.layer.aliases)}
    keys = [key for key in (parameter, *ctx.graph.shared[parameter]) if key not in names]
    return [entry.layer.name for entry in entries if entry.action is Action.NONE] + keys


def _finding(ctx: Context, index: int, pairs: list[tuple[LayerPlan, list[str]]]) -> Finding:
    sub_config, (entry, others) = ctx.sub_configs[index], pairs[0]
    name = entry.layer.name
    more = f" ({counted(len(pairs) - 1, 'weight')} more shared in this way)" if len(pairs) > 1 else ""
    share = "shares" if len(others) == 1 else "share"
    return ctx.finding(
        entry_reaching(ctx.selection, sub_config, ctx.selection.of_names([name])),
        f"pruning `{name}` also changes {some(others)}, which {share} its weight{more}",
        help=f"exclude `{name}`, or select {some(others)} too if that is meant",
        layers=list(dict.fromkeys(entry.layer.name for entry, _ in pairs)),
    )
