"""A sub-config has more than one amount.

## What it does
Reports a sub-config with more than one of `sparsity_per_layer`, `total_sparsity` and `sparsity`.

## Why is this bad?
They are different questions: `sparsity_per_layer` takes its share from each layer, `total_sparsity` takes one share
from all layers together and lets the ranking decide where. One sub-config can only do one of the two.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
  total_sparsity: 0.8
```

## Use instead
To prune 80 % over all and at most 90 % of any one layer, cap the total:

```yaml
- op_types: [Conv2d]
  total_sparsity: 0.8
  max_sparsity_per_layer: 0.9
```

## Fix safety
Unsafe: of the two it keeps `total_sparsity`, as NNI does, or `sparsity_per_layer` beside `sparsity`; perhaps the other
one was meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.keys import RATIOS
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.conflicts import conflict, listed

_MEANINGS = {
    "sparsity_per_layer": "`sparsity_per_layer` for a share of each layer",
    "total_sparsity": "`total_sparsity` for a share of all of them together",
}


@rule("PC107", "conflicting-amounts", severity=ERROR, needs="schema", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        message = f"a sub-config takes one amount, not {listed(fault.keys)}"
        keep = " or ".join(meaning for key, meaning in _MEANINGS.items() if key in fault.keys)
        kept = next(key for key in RATIOS if key in fault.keys)
        others = tuple(key for key in fault.keys if key != kept)
        paths = ((*fault.path, key) for key in others)
        fix = ctx.remove(*paths, safe=False, title=f"remove {listed(others)}")
        yield conflict(ctx, fault.path, fault.keys, message, f"keep {keep}", fix)
