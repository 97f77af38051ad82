"""An excluded layer is pruned again by a later sub-config.

## What it does
Reports layers that one sub-config excludes and a later one prunes. A later sub-config that selects excluded layers
only, or lists them under `op_names`, takes them back on purpose.

## Why is this bad?
An exclude is no lock: the last sub-config that selects a layer decides about it. The layer was to be left alone, and is
pruned.

## Example
```layers
stem.conv Conv2d 16x3x3x3
block.conv Conv2d 16x16x3x3
fc Linear 10x16
```
```yaml
- op_names: [stem.conv, fc]
  exclude: true
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [stem.conv]
  exclude: true
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.plan import Takeover
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.order.overlaps import MOST_LABELS, by_sub_config, overlaps
from pruneconf.rules.words import some


@rule("PC305", "exclude-overridden", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    for earlier, taken in by_sub_config(overlaps(ctx.plan, "PC305"), lambda overlap: overlap.earlier).items():
        yield _finding(ctx, earlier, taken)


def _finding(ctx: Context, earlier: int, taken: list[Takeover]) -> Finding:
    layers = [ctx.selection.layers(overlap.layers) for overlap in taken]
    names = [layer.name for of_one in layers for layer in of_one]
    path = (*ctx.sub_configs[earlier].path, "exclude")
    return ctx.finding(
        path,
        f"{some(names)} {'is' if len(names) == 1 else 'are'} excluded here, but pruned again by a later sub-config",
        key=True,
        help="the last sub-config that selects a layer decides about it: move the exclude behind",
        related=[
            ctx.label(ctx.sub_configs[overlap.later].path, f"prunes {some([layer.name for layer in of_one])}")
            for overlap, of_one in list(zip(taken, layers, strict=True))[:MOST_LABELS]
        ],
        layers=names,
    )
