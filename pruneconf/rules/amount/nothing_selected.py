"""The whole config prunes nothing.

## What it does
Reports a config that decides to prune no layer at all, where no other error says why.

## Why is this bad?
`apply` would write the model back as it was.

## Example
```layers
conv1 Conv2d 16x3x3x3
fc Linear 10x16
```
```yaml
- op_names: [fc]
  exclude: true
```

## Use instead
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
- op_names: [fc]
  exclude: true
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.plan import Action
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context

_SAY_WHY = ("PC201", "PC202", "PC203", "PC204", "PC206", "PC207", "PC301", "PC510")


@rule("PC407", "nothing-selected", severity=ERROR, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    prunes = any(entry.action is Action.PRUNE for entry in ctx.plan.layers)
    if prunes or not ctx.sub_configs or ctx.sub_configs_with(*_SAY_WHY):
        return
    yield ctx.finding(
        ctx.sub_configs[0].path,
        "this config prunes nothing: it only excludes",
        help="write a sub-config that prunes, with `sparsity_per_layer` or `total_sparsity`, before it",
    )
