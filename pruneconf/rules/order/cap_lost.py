"""Layers lose the cap that an earlier sub-config gave them.

## What it does
Reports a `total_sparsity` without `max_sparsity_per_layer` that takes over layers which had a cap, where they can now
lose more than it allowed.

## Why is this bad?
Whole sub-configs replace each other, their keys are never merged: a cap does not follow a layer into another group. The
layer that the cap protected may be masked whole.

## Example
```layers
layer1.conv Conv2d 64x64x3x3
layer2.conv Conv2d 64x64x3x3
layer3.conv Conv2d 64x64x3x3
layer3.shortcut Conv2d 64x64x1x1
```
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.6
  max_sparsity_per_layer: 0.8
- op_partial_names: [layer3.]
  op_types: [Conv2d]
  total_sparsity: 0.7
```

## Use instead
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.6
  max_sparsity_per_layer: 0.8
- op_partial_names: [layer3.]
  op_types: [Conv2d]
  total_sparsity: 0.7
  max_sparsity_per_layer: 0.8
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import SubConfig
from pruneconf.findings import Finding
from pruneconf.plan import Takeover
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.order.overlaps import MOST_LABELS, by_sub_config, overlaps
from pruneconf.rules.words import some


@rule("PC306", "cap-lost", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    for later, taken in by_sub_config(overlaps(ctx.plan, "PC306"), lambda overlap: overlap.later).items():
        yield _finding(ctx, ctx.sub_configs[later], taken)


def _finding(ctx: Context, later: SubConfig, taken: list[Takeover]) -> Finding:
    names = [layer.name for overlap in taken for layer in ctx.selection.layers(overlap.layers)]
    earlier = [ctx.sub_configs[overlap.earlier] for overlap in taken]
    caps = [sub_config.cap for sub_config in earlier if sub_config.cap]
    fits = later.ratio is None or caps[-1].value > later.ratio.value
    return ctx.finding(
        (*later.path, "total_sparsity"),
        f"{some(names)} had a cap of {caps[-1].text}, and {'has' if len(names) == 1 else 'have'} none here",
        key=True,
        label="without a cap",
        help=f"write `max_sparsity_per_layer{f': {caps[-1].text}' if fits else ''}` here too",
        related=[
            ctx.label((*sub_config.path, "max_sparsity_per_layer"), "this cap does not follow them", key=True)
            for sub_config in earlier[:MOST_LABELS]
        ],
        layers=names,
    )
