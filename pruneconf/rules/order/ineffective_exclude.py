"""An exclude excludes nothing that would be pruned.

## What it does
Reports an exclude none of whose layers an earlier sub-config prunes.

## Why is this bad?
Layers that nothing selects are left alone anyway, and an exclude says nothing about sub-configs behind it. It protects
only where it stands after the sub-config that prunes.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 Conv2d 16x16x3x3
fc Linear 10x16
```
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [fc]
  exclude: true
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import SubConfig
from pruneconf.findings import Finding
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.order.overlaps import overlaps
from pruneconf.rules.words import some

_SELECT_NOTHING = ("PC201", "PC202", "PC203", "PC204", "PC206", "PC207", "PC510")


@rule("PC304", "ineffective-exclude", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    plan = ctx.plan
    effective = {takeover.later for takeover in plan.takeovers if not ctx.sub_configs[takeover.earlier].exclude}
    explained = {takeover.later for takeover in overlaps(plan, "PC303")}
    explained |= {takeover.earlier for takeover in overlaps(plan, "PC305")}
    explained |= {entry.decided_by or 0 for pair in plan.conflicts() for entry in pair}  # PC501 speaks
    first_broken = min(ctx.sub_configs_with(*_SELECT_NOTHING), default=len(ctx.sub_configs))
    if all(sub_config.exclude for sub_config in ctx.sub_configs):
        return  # PC407 speaks
    for sub_config in ctx.sub_configs[:first_broken]:
        index = sub_config.index
        if sub_config.exclude and plan.effective[index] and index not in effective | explained:
            yield _finding(ctx, sub_config)


def _finding(ctx: Context, sub_config: SubConfig) -> Finding:
    names = [layer.name for layer in ctx.selection.layers(ctx.plan.selected[sub_config.index])]
    return ctx.finding(
        sub_config.path,
        f"this excludes nothing: no earlier sub-config prunes {some(names)}",
        help="move it behind the sub-config that it should protect from, or remove it",
        layers=names,
    )
