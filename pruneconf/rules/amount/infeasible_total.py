"""The cap leaves too little room for the total.

## What it does
Reports a `total_sparsity` that cannot be met because `max_sparsity_per_layer` allows less, and says how much is
possible.

## Why is this bad?
The total is met exactly or not at all: `apply` refuses the config. Where layers are small, rounding down in each of
them can make a total impossible that equals the cap.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 Conv2d 16x16x3x3
```
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.9
  max_sparsity_per_layer: 0.8
```

## Use instead
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.75
  max_sparsity_per_layer: 0.8
```

## Fix safety
Unsafe: it lowers the total to what the cap allows; perhaps the cap is what should change.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.plan import Group
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context


@rule("PC401", "infeasible-total", severity=ERROR, needs="plan", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for group in ctx.plan.groups:
        if not group.feasible:
            yield _finding(ctx, group)


def _finding(ctx: Context, group: Group) -> Finding:
    path = ctx.sub_configs[group.sub_config].path
    possible = sum(group.max_masked.values())
    ratio = _rounded_down(possible, group.numel)
    return ctx.finding(
        (*path, "total_sparsity"),
        f"the cap allows at most {possible:,} of the {group.masked:,} elements that are to be masked",
        label=f"{group.masked:,} of {group.numel:,} elements",
        help=f"write {ratio} or less here, or raise the cap" if ratio else "raise the cap",
        related=[ctx.label((*path, "max_sparsity_per_layer"), f"{possible:,} elements over all layers")],
        layers=[layer.name for layer in group.layers],
        fix=ctx.replace((*path, "total_sparsity"), ratio, safe=False) if ratio else None,
    )


def _rounded_down(part: int, whole: int) -> float:
    """The share with two decimals, or four where two are not enough."""
    return next((share for digits in (100, 10_000) if (share := part * digits // whole / digits)), 0.0)
