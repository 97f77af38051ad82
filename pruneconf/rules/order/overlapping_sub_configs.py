"""A later sub-config takes some layers over and adds others.

## What it does
Reports layers that an earlier sub-config selects and a later one prunes otherwise, where the later one also selects
layers that nothing pruned before. A later sub-config that only overrides, that excludes, or that lists these layers
under `op_names` is taken as meant.

## Why is this bad?
Whole sub-configs replace each other: for the layers in common the earlier ratio counts for nothing. Whoever wrote the
later one for the layers that it adds may not have noticed.

## Example
```layers
layer1.conv Conv2d 64x64x3x3
layer2.conv Conv2d 64x64x3x3
layer3.conv Conv2d 64x64x3x3
```
```yaml
- op_partial_names: [layer1., layer2.]
  sparsity_per_layer: 0.3
- op_partial_names: [layer2., layer3.]
  sparsity_per_layer: 0.6
```

## Use instead
```yaml
- op_partial_names: [layer1., layer2.]
  sparsity_per_layer: 0.3
- op_partial_names: [layer3.]
  sparsity_per_layer: 0.6
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.plan import Takeover
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.order.overlaps import MOST_LABELS, by_sub_config, overlaps
from pruneconf.rules.words import counted, some


@rule("PC302", "overlapping-sub-configs", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    for earlier, taken in by_sub_config(overlaps(ctx.plan, "PC302"), lambda overlap: overlap.earlier).items():
        yield _finding(ctx, earlier, taken)


def _finding(ctx: Context, earlier: int, taken: list[Takeover]) -> Finding:
    plan = ctx.plan
    names = [layer.name for overlap in taken for layer in plan.selection.layers(overlap.layers)]
    who = "a later sub-config" if len(taken) == 1 else f"{len(taken)} later sub-configs"
    number = plan.selected[earlier].bit_count()
    return ctx.finding(
        ctx.sub_configs[earlier].path,
        f"{some(names)} {'is' if len(names) == 1 else 'are'} taken over by {who}",
        label=f"selects {counted(number, 'layer')}, and decides about {plan.effective[earlier].bit_count():,} of them",
        help="narrow one of the two, or, if it is meant, list these layers under `op_names` in a sub-config behind",
        related=[
            ctx.label(ctx.sub_configs[overlap.later].path, _later(ctx, overlap)) for overlap in taken[:MOST_LABELS]
        ],
        layers=names,
    )


def _later(ctx: Context, overlap: Takeover) -> str:
    names = [layer.name for layer in ctx.selection.layers(overlap.layers)]
    others = ctx.plan.selected[overlap.later].bit_count() - len(names)
    return f"decides about {some(names)}, and selects {counted(others, 'other layer')}"
