"""The file asks the loader for more than a config needs.

## What it does
Refuses tags that make a loader build Python objects, aliases that unfold to very many nodes, very deep nesting, very
long numbers and very large files. The message names the limit.

## Why is this bad?
Loading such a file can run code or fill the memory. No config needs any of it: three levels of lists and mappings,
texts, numbers and `true` are enough.

## Example
```yaml
- op_types: !!python/name:torch.nn.Conv2d
  sparsity_per_layer: 0.5
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
from pruneconf.rules.context import Context
from pruneconf.rules.text import problems


@rule("PC003", "unsafe-yaml", severity=ERROR, needs="text")
def check(ctx: Context) -> Iterator[Finding]:
    yield from problems(ctx)
