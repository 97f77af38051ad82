"""A key of an NNI v1 schedule stands in a config list.

## What it does
Reports `initial_sparsity`, `final_sparsity`, `start_epoch`, `end_epoch`, `frequency`, `prune_iterations`,
`total_iteration` and `rho`, all of one sub-config in one finding.

## Why is this bad?
They say when to prune, over epochs or iterations. A config list only says where and how much; NNI v2 moved the
schedule into arguments of the pruner and fails on these keys with a `KeyError`.

## Example
```yaml
- op_types: [Conv2d]
  initial_sparsity: 0.0
  final_sparsity: 0.8
  start_epoch: 0
  end_epoch: 10
  frequency: 1
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.8
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.foreign import FOREIGN
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.conflicts import listed


@rule("PC603", "nni-v1-key", severity=ERROR, needs="schema")
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        first, *others = ((*fault.path, key) for key in fault.keys)
        systems = " and ".join(dict.fromkeys(FOREIGN[key].system for key in fault.keys))
        verb = "belong" if others else "belongs"
        message = f"{listed(fault.keys)} {verb} to {systems}, not to a config list"
        help_ = f"remove {'them' if others else 'it'}: pruning takes one step here"
        if any(FOREIGN[key].stands_for for key in fault.keys):
            help_ = "write the final ratio as `sparsity_per_layer`: pruning takes one step here"
        yield ctx.finding(first, message, key=True, help=help_, related=[ctx.label(path, key=True) for path in others])
