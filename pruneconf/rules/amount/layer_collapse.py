"""A total without a cap can mask a whole layer.

## What it does
Reports a `total_sparsity` without `max_sparsity_per_layer` whose budget is at least as large as one of its layers, and
names the smallest of those.

## Why is this bad?
The pruner takes the smallest weights wherever they are. Nothing keeps it from taking all those of one layer, and a
network with such a layer computes nothing any more. NNI assumes a cap of 0.99 where none is written; here none is
assumed.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 Conv2d 32x16x3x3
conv3 Conv2d 64x32x3x3
```
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.7
```

## Use instead
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.7
  max_sparsity_per_layer: 0.9
```

## Fix safety
Unsafe: it adds a usual cap that leaves room for the total, and so changes which weights are masked.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pruneconf.findings import Finding
from pruneconf.plan import Group
from pruneconf.rules.base import UNSAFE, WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.words import some

_CAPS = ("0.9", "0.95", "0.99", "0.999")


@rule("PC403", "layer-collapse", severity=WARNING, needs="plan", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    explained = ctx.sub_configs_with("PC306")
    for group in ctx.plan.groups:
        if group.cap or group.sub_config in explained:
            continue
        at_risk = sorted((layer.numel, layer.name) for layer in group.layers if 0 < layer.numel <= group.masked)
        if at_risk:
            names = [name for _, name in at_risk]
            path = (*ctx.sub_configs[group.sub_config].path, "total_sparsity")
            cap = _cap(group)
            yield ctx.finding(
                path,
                f"{some(names)} can be masked whole: nothing limits what one layer loses",
                label=f"{group.masked:,} of {group.numel:,} elements",
                help=f"write `max_sparsity_per_layer: {cap}` beside it (`1` if that is meant)",
                layers=names,
                fix=ctx.insert(path, "max_sparsity_per_layer", cap, safe=False),
            )


def _cap(group: Group) -> str:
    """A usual cap that leaves room for the total."""
    sizes = [layer.numel for layer in group.layers]
    fitting = (cap for cap in _CAPS if sum(int(Decimal(cap) * size) for size in sizes) >= group.masked)
    return next((cap for cap in fitting if Decimal(cap) > group.ratio.value), "1")
