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

## Fix safety
Unsafe: it writes `final_sparsity` as `sparsity_per_layer` where the sub-config has no amount, and removes the schedule,
which has to be built elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import Fault
from pruneconf.config.foreign import FOREIGN
from pruneconf.config.keys import AMOUNTS
from pruneconf.document import Mapping
from pruneconf.findings import Finding, Fix
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.conflicts import listed


@rule("PC603", "nni-v1-key", severity=ERROR, needs="schema", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        first, *others = ((*fault.path, key) for key in fault.keys)
        systems = " and ".join(dict.fromkeys(FOREIGN[key].system for key in fault.keys))
        verb = "belong" if others else "belongs"
        message = f"{listed(fault.keys)} {verb} to {systems}, not to a config list"
        help_ = f"remove {'them' if others else 'it'}: pruning takes one step here"
        if any(FOREIGN[key].stands_for for key in fault.keys):
            help_ = "write the final ratio as `sparsity_per_layer`: pruning takes one step here"
        related = [ctx.label(path, key=True) for path in others]
        yield ctx.finding(first, message, key=True, help=help_, related=related, fix=_fix(ctx, fault))


def _fix(ctx: Context, fault: Fault) -> Fix | None:
    """Remove the schedule; the ratio at its end stays as the amount where there is no other."""
    mapping = ctx.document.find(fault.path)
    has_amount = isinstance(mapping, Mapping) and any(mapping.get(key) for key in AMOUNTS)
    kept = "final_sparsity" if "final_sparsity" in fault.keys and not has_amount else None
    paths = [(*fault.path, key) for key in fault.keys if key != kept]
    rest = ctx.remove(*paths, safe=False, title=f"remove {listed(fault.keys)}")
    if rest is None or kept is None:
        return rest
    renamed = ctx.replace((*fault.path, kept), "sparsity_per_layer", safe=False, key=True)
    return Fix("keep the final ratio as `sparsity_per_layer`", safe=False, edits=(*rest.edits, *renamed.edits))
