"""A sub-config gives its layers what they had already.

## What it does
Reports a sub-config all of whose layers get the same ratio, or are excluded, by earlier sub-configs.

## Why is this bad?
It can be removed without changing a mask. Often a value was copied and then not changed.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 Conv2d 16x16x3x3
```
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  sparsity_per_layer: 0.2
```

## Fix safety
Safe: the masks are the same without the sub-config. Unsafe where a comment stands in it, which goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import SubConfig
from pruneconf.findings import Finding
from pruneconf.plan import Takeover
from pruneconf.rules.base import SAFE, WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.order.overlaps import MOST_LABELS, by_sub_config, overlaps
from pruneconf.rules.words import some


@rule("PC303", "redundant-override", severity=WARNING, needs="plan", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for later, taken in by_sub_config(overlaps(ctx.plan, "PC303"), lambda overlap: overlap.later).items():
        yield _finding(ctx, ctx.sub_configs[later], taken)


def _finding(ctx: Context, later: SubConfig, taken: list[Takeover]) -> Finding:
    names = [layer.name for layer in ctx.selection.layers(ctx.plan.effective[later.index])]
    are = "is" if len(names) == 1 else "are"
    had = "excluded" if later.ratio is None else f"pruned by {later.ratio.text}"
    return ctx.finding(
        later.path,
        f"{some(names)} {are} {had} already",
        label="changes nothing",
        help="remove this sub-config" + (", or give it another ratio" if later.ratio else ""),
        related=[ctx.label(ctx.sub_configs[overlap.earlier].path, "does the same") for overlap in taken[:MOST_LABELS]],
        layers=names,
        fix=ctx.remove(later.path, safe=True, title="remove this sub-config"),
    )
