"""A key of another pruner stands in a config list.

## What it does
Recognises keys of Torch-Pruning (`pruning_ratio`, `ignored_layers`), llm-compressor (`targets`, `ignore`), torchao
(`tensor_fqn`) and Distiller (`levels`), names the system, and says what to write here.

## Why is this bad?
The key has no effect here, and a sub-config without its selector or its amount is not valid.

## Example
```yaml
- op_types: [Conv2d]
  pruning_ratio: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.compat.foreign import foreign_key
from pruneconf.rules.context import Context


@rule("PC604", "foreign-key", severity=ERROR, needs="schema")
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        yield foreign_key(ctx, fault)
