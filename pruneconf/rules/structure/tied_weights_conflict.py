"""Two layers share one weight and are to be treated differently.

## What it does
Reports layers that share a parameter where one is pruned and the other excluded, or where they get different ratios or
stand in different groups.

## Why is this bad?
A weight that is shared is there once and gets one mask, so it cannot be pruned for one layer and kept for the other.

## Example
```layers
embed Embedding 1000x64
block.fc Linear 64x64
head Linear 1000x64 = embed.weight
```
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.5
- op_names: [embed]
  exclude: true
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

from pruneconf.document import Path
from pruneconf.findings import Finding
from pruneconf.plan import Action, LayerPlan
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.selection.entries import entry_reaching
from pruneconf.rules.words import counted

Pair = tuple[LayerPlan, LayerPlan]


@rule("PC501", "tied-weights-conflict", severity=ERROR, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    by_deciders: dict[tuple[int, int], list[Pair]] = {}
    for pair in ctx.plan.conflicts():
        first, last = sorted(entry.decided_by or 0 for entry in pair)
        by_deciders.setdefault((first, last), []).append(pair)
    for pairs in by_deciders.values():
        yield _finding(ctx, pairs)


def _finding(ctx: Context, pairs: list[Pair]) -> Finding:
    first, last = sorted(pairs[0], key=lambda entry: entry.decided_by or 0)
    more = f" ({counted(len(pairs) - 1, 'pair')} more like them)" if len(pairs) > 1 else ""
    return ctx.finding(
        _place(ctx, last),
        f"`{first.layer.name}` and `{last.layer.name}` share one weight, but differ in what happens to it{more}",
        label=_fate(last),
        help="let one sub-config decide about both",
        related=[ctx.label(_place(ctx, first), _fate(first))],
        layers=list(dict.fromkeys(entry.layer.name for pair in pairs for entry in pair)),
    )


def _place(ctx: Context, entry: LayerPlan) -> Path:
    sub_config = ctx.sub_configs[entry.decided_by or 0]
    return entry_reaching(ctx.selection, sub_config, ctx.selection.of_names([entry.layer.name]))


def _fate(entry: LayerPlan) -> str:
    name = entry.layer.name
    if entry.action is Action.EXCLUDE or entry.ratio is None:
        return f"excludes `{name}`"
    return f"prunes `{name}` by {entry.ratio.text}" + (" in a group" if entry.masked is None else "")
