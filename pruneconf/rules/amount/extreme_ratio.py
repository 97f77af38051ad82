"""A ratio leaves less than one weight in a hundred.

## What it does
Reports `sparsity_per_layer`, `total_sparsity` or `sparsity` over 0.99.

## Why is this bad?
So few weights rarely carry what a layer has learnt, and fine-tuning does not bring it back. Often a digit slipped, or
the ratio of another layer was copied.

## Example
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.995
```

## Use instead
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.95
```
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pruneconf.findings import Finding
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context

_MOST = Fraction(99, 100)


@rule("PC406", "extreme-ratio", severity=WARNING, needs="schema")
def check(ctx: Context) -> Iterator[Finding]:
    for sub_config in ctx.sub_configs:
        ratio, key = sub_config.ratio, sub_config.ratio_key
        if ratio is None or key is None or not _MOST < ratio.value < 1 or sub_config.exclude:
            continue
        message = f"`{ratio.text}` leaves only one weight in {int(1 / (1 - ratio.value)):,}"
        help_ = "write 0.99 or less, unless so sparse a layer is what you study"
        yield ctx.finding((*sub_config.path, key), message, help=help_)
