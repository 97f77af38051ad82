"""Every layer that a sub-config selects is decided by later ones.

## What it does
Reports a sub-config that selects layers but has the last word about none of them.

## Why is this bad?
The last sub-config that selects a layer decides everything about it. A sub-config that is never the last has no effect:
an exclude that stands before what it should protect from, or a ratio that a broader sub-config replaces.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 Conv2d 16x16x3x3
fc Linear 10x16
```
```yaml
- op_names: [conv1]
  exclude: true
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  exclude: true
```

## Fix safety
Unsafe: an exclusion is moved behind the sub-configs that decide about its layers, so that it holds. A sub-config with
an amount, or one whose layers are excluded again, is removed. Perhaps the other one was meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding, Fix
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.order.overlaps import MOST_LABELS
from pruneconf.rules.words import some


@rule("PC301", "unreachable-sub-config", severity=ERROR, needs="plan", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    plan = ctx.plan
    for i, (selected, effective) in enumerate(zip(plan.selected, plan.effective, strict=True)):
        if selected and not effective:
            yield _finding(ctx, i)


def _finding(ctx: Context, index: int) -> Finding:
    plan, sub_configs = ctx.plan, ctx.sub_configs
    selected = plan.selected[index]
    later = [j for j in range(index + 1, len(sub_configs)) if plan.effective[j] & selected]
    names = [layer.name for layer in plan.selection.layers(selected)]
    verb = "excludes" if sub_configs[index].exclude else "selects"
    decide = "a later sub-config decides" if len(later) == 1 else f"{len(later)} later sub-configs decide"
    related = []
    for j in later[:MOST_LABELS]:
        decided = [layer.name for layer in plan.selection.layers(plan.effective[j] & selected)]
        related.append(ctx.label(sub_configs[j].path, f"decides about {some(decided)}"))
    return ctx.finding(
        sub_configs[index].path,
        f"this has no effect: {decide} about every layer that it selects",
        label=f"{verb} {some(names)}",
        help="the last sub-config that selects a layer decides about it: move this one behind, or remove it",
        related=related,
        layers=names,
        fix=_fix(ctx, index, later),
    )


def _fix(ctx: Context, index: int, later: list[int]) -> Fix | None:
    path = ctx.sub_configs[index].path
    if ctx.sub_configs[index].exclude and not all(ctx.sub_configs[j].exclude for j in later):
        return ctx.move(path, ctx.sub_configs[later[-1]].path, safe=False, title="move it behind the last of these")
    return ctx.remove(path, safe=False, title="remove this sub-config")
