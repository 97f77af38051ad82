"""One layer takes nearly all the masks of a total.

## What it does
With the weights at hand (`pruneconf apply`, `pruneconf show --weights`), reports a `total_sparsity` of which one layer
takes more than 95 % of the masks, while the others lose less than half of what an even share would be.

## Why is this bad?
A total ranks the weights of all its layers by magnitude alone. Where one layer's weights are on a smaller scale, for
instance because a norm behind it scales its output anyway, they all rank last, though they matter no less. That layer
is pruned nearly alone, and the others are hardly pruned at all.

## Example
```layers
conv1 Conv2d 32x16x3x3
conv2 Conv2d 64x32x3x3
```
With weights of which these are masked:
```masked
conv1 56
conv2 3400
```
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.15
```

## Use instead
Take the same share from each layer, or give the layers that differ a total of their own:

```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.15
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import INFO, rule
from pruneconf.rules.context import Context

_NEARLY_ALL = 0.95
_HARDLY = 0.5


@rule("PC511", "unbalanced-magnitudes", severity=INFO, needs="weights")
def check(ctx: Context) -> Iterator[Finding]:
    for group in ctx.plan.groups:
        masked = {layer: ctx.masked.get(layer.name, 0) for layer in group.layers}
        total = sum(masked.values())
        most = max(group.layers, key=lambda layer: masked[layer], default=None)
        if most is None or masked[most] <= _NEARLY_ALL * total:
            continue
        evenly = total * (group.numel - most.numel) / group.numel
        if total - masked[most] < _HARDLY * evenly:
            yield ctx.finding(
                (*ctx.sub_configs[group.sub_config].path, "total_sparsity"),
                f"`{most.name}` takes {100 * masked[most] / total:.1f} % of the masks: its weights are much smaller",
                label=f"{masked[most]:,} of {total:,} masks, {most.numel:,} of {group.numel:,} elements",
                help=f"use `sparsity_per_layer`, or give `{most.name}` a sub-config of its own",
                layers=[most.name],
            )
