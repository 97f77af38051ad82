"""A sub-config excludes its layers and says how much to prune of them.

## What it does
Reports `exclude` beside `sparsity_per_layer`, `total_sparsity`, `max_sparsity_per_layer` or `sparsity`.

## Why is this bad?
The two contradict each other. An excluded layer keeps all its weights.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  sparsity_per_layer: 0.2
  exclude: true
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  exclude: true
```

## Fix safety
Unsafe: it removes the amounts, so that the layers are left as they are, and perhaps they were to be pruned.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.keys import EXCLUDE
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.conflicts import conflict, listed


@rule("PC106", "exclude-with-amount", severity=ERROR, needs="schema", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        amounts = listed(fault.keys)
        message = f"`exclude` and {amounts} contradict each other"
        help_ = f"remove {amounts} to leave these layers as they are, or `exclude` to prune them"
        fix = ctx.remove(*((*fault.path, key) for key in fault.keys), safe=False, title=f"remove {amounts}")
        yield conflict(ctx, fault.path, (EXCLUDE, *fault.keys), message, help_, fix)
