"""A key stands twice in one mapping.

## What it does
Reports every key that its mapping has already, and shows both places.

## Why is this bad?
YAML and JSON loaders keep the last value and say nothing. Half of what was written is lost, usually after a
sub-config was copied and only partly edited.

## Example
```yaml
- op_names: [conv1]
  sparsity_per_layer: 0.5
  op_names: [conv2]
```

## Use instead
Keep one of the two, or put both values into one list.

```yaml
- op_names: [conv1, conv2]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.text import problems


@rule("PC002", "duplicate-key", severity=ERROR, needs="text")
def check(ctx: Context) -> Iterator[Finding]:
    yield from problems(ctx)
