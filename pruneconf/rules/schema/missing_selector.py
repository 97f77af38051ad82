"""A sub-config does not say which layers it is about.

## What it does
Reports a sub-config that has none of `op_types`, `op_names` and `op_partial_names`.

## Why is this bad?
Nothing says whether it was meant for all layers or for some. NNI rejects it too, without the index of the sub-config.

## Example
```yaml
- sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.halves import cut_in_two, is_empty


@rule("PC104", "missing-selector", severity=ERROR, needs="schema")
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        if is_empty(ctx, fault.path):
            message = "this sub-config says neither which layers to prune nor how much"
            help_ = "add a selector such as `op_types` and an amount such as `sparsity_per_layer`"
        else:
            message = "this sub-config does not say which layers it is about"
            help_ = cut_in_two(ctx, fault.path) or "add `op_types`, `op_names` or `op_partial_names`"
        yield ctx.finding(fault.path, message, help=help_)
