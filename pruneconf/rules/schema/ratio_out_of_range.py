"""A ratio is out of its range.

## What it does
Reports `sparsity_per_layer`, `total_sparsity` and `sparsity` outside [0, 1), and `max_sparsity_per_layer` outside
(0, 1]. A number from 2 to 100 is taken for a percentage.

## Why is this bad?
Ratios are shares of the weights: 0.8 masks 80 % of them. A ratio of 1 would mask every weight of a layer and cut the
network there.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 80
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.8
```

## Fix safety
Unsafe: that `80` means 80 % is likely, and yet a guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pruneconf.config.keys import CAP
from pruneconf.document import Path
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.values import ratio_meant, rewrite, written


@rule("PC103", "ratio-out-of-range", severity=ERROR, needs="schema", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        key = str(fault.path[-1])
        number = Decimal(repr(ctx.value(fault.path)))
        meant = ratio_meant(number, key)
        fix = rewrite(ctx, fault.path, meant, safe=False) if meant else None
        help_ = f"write `{meant}`" if meant else _instead(key, number)
        yield ctx.finding(fault.path, _message(ctx, fault.path, key, number), help=help_, fix=fix)


def _message(ctx: Context, path: Path, key: str, number: Decimal) -> str:
    text = written(ctx, path)
    if number < 0:
        return f"`{text}` is negative: `{key}` is a share of the weights"
    if number == 0:
        return f"a cap of `{text}` lets no weight be pruned"
    if ratio_meant(number, key):
        return f"`{text}` looks like a percentage: `{key}` is a share of the weights"
    if number in (1, 100) and key != CAP:
        return f"`{text}` would mask every weight of these layers"
    return f"`{text}` is more than 1: `{key}` is a share of the weights"


def _instead(key: str, number: Decimal) -> str:
    if key == CAP:
        return (
            "write a number above 0 and at most 1, or `exclude: true` without amounts"
            if number == 0
            else "write a number above 0 and at most 1, such as `0.9`"
        )
    return "write a number of at least 0 and below 1, such as `0.9`"
