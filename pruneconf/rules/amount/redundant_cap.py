"""A cap can never bind.

## What it does
Reports a `max_sparsity_per_layer` that allows every layer of the group to lose as much as the whole group is to lose.
A cap of 1 is left alone where a layer could be masked whole: it says that this is meant.

## Why is this bad?
It has no effect, and whoever reads it will think that it protects something.

## Example
```layers
conv1 Conv2d 16x16x3x3
conv2 Conv2d 16x16x3x3
```
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.3
  max_sparsity_per_layer: 0.9
```

## Use instead
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.3
  max_sparsity_per_layer: 0.5
```

## Fix safety
Safe: the masks are the same without the cap. Unsafe where a comment stands on its line, which goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import INFO, SAFE, rule
from pruneconf.rules.context import Context


@rule("PC402", "redundant-cap", severity=INFO, needs="plan", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for group in ctx.plan.groups:
        sizes = [layer.numel for layer in group.layers if layer.numel]
        if group.cap is None or not sizes or group.masked >= min(sizes):
            continue
        least = group.cap.of(min(sizes))
        if group.masked <= least:
            path = (*ctx.sub_configs[group.sub_config].path, "max_sparsity_per_layer")
            yield ctx.finding(
                path,
                f"this cap never binds: the smallest layer may lose {least:,} elements, the whole group loses "
                f"{group.masked:,}",
                help="lower or remove it",
                fix=ctx.remove(path, safe=True, title="remove the cap"),
            )
