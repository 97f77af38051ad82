"""A sub-config says where but not how much.

## What it does
Reports a sub-config that selects layers and has no `sparsity_per_layer`, `total_sparsity` or `exclude`.

## Why is this bad?
It leaves open what should become of the layers. Sub-configs do not inherit from each other: keys act only inside
their own, so an amount in another one does not help. NNI's own documentation had an example with this mistake.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [fc]
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [fc]
  sparsity_per_layer: 0.8
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.halves import cut_in_two


@rule("PC105", "missing-amount", severity=ERROR, needs="schema")
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        message = "this sub-config says where but not how much"
        help_ = cut_in_two(ctx, fault.path) or "add `sparsity_per_layer`, `total_sparsity` or `exclude: true`"
        yield ctx.finding(fault.path, message, help=help_)
