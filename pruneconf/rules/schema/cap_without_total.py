"""`max_sparsity_per_layer` stands without `total_sparsity`.

## What it does
Reports a cap in a sub-config that has no `total_sparsity`.

## Why is this bad?
The cap limits how much of a total one layer may lose. Without a total there is nothing to limit: `sparsity_per_layer`
takes the same share from each layer anyway.

## Example
```yaml
- op_types: [Conv2d]
  max_sparsity_per_layer: 0.9
```

## Use instead
```yaml
- op_types: [Conv2d]
  total_sparsity: 0.8
  max_sparsity_per_layer: 0.9
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.keys import RATIOS
from pruneconf.document import Mapping
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context


@rule("PC111", "cap-without-total", severity=ERROR, needs="schema")
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        (cap,) = fault.keys
        node = ctx.document.find(fault.path)
        amount = next((key for key in RATIOS if isinstance(node, Mapping) and node.get(key)), None)
        help_ = f"remove it, or write `total_sparsity` instead of `{amount}`" if amount else "add `total_sparsity`"
        related = (
            [ctx.label((*fault.path, amount), "this takes the same share of each layer", key=True)] if amount else []
        )
        message = f"`{cap}` acts only with `total_sparsity`"
        yield ctx.finding((*fault.path, cap), message, key=True, help=help_, related=related)
