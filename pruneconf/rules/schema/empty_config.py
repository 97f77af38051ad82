"""The config list is empty.

## What it does
Reports a list without sub-configs.

## Why is this bad?
It is valid and prunes nothing, which is rarely what a config is written for. NNI accepts it without a word.

## Example
```yaml
[]
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.document import Sequence
from pruneconf.findings import Finding
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context


@rule("PC112", "empty-config", severity=WARNING, needs="schema")
def check(ctx: Context) -> Iterator[Finding]:
    node = ctx.document.find(ctx.reading.path)
    if isinstance(node, Sequence) and not node.items:
        help_ = "add a sub-config such as `{op_types: [Conv2d], sparsity_per_layer: 0.5}`"
        yield ctx.finding(ctx.reading.path, "the list is empty: nothing will be pruned", help=help_)
