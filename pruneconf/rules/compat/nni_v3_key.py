"""A key of NNI v3 stands in a config of the v2 form.

## What it does
Reports keys that only NNI v3 knows, such as `sparse_ratio`, `op_names_re`, `global_group_id` and `exclude_op_names`,
and says what to write here.

## Why is this bad?
The two generations look alike and mean different things. In v3 the first matching entry wins, exclusions are keys
inside an entry, and groups are named; here the last sub-config wins, exclusions are sub-configs, and each
`total_sparsity` is a group.

## Example
```yaml
- op_types: [Conv2d]
  sparse_ratio: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Fix safety
Unsafe: the key is replaced by the one that comes closest, and the values of the two do not always mean the same.
There is no fix where no single key takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.compat.foreign import foreign_key, renaming
from pruneconf.rules.context import Context


@rule("PC602", "nni-v3-key", severity=ERROR, needs="schema", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        yield foreign_key(ctx, fault, renaming(ctx, fault))
