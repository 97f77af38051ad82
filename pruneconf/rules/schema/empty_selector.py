"""A selector is empty.

## What it does
Reports an empty list under `op_types`, `op_names` or `op_partial_names`, and an empty text in one.

## Why is this bad?
An empty list selects nothing, so the whole sub-config does nothing; NNI accepts it and says nothing. An empty text
under `op_partial_names` is the opposite: it is part of every name and selects every layer.

## Example
```yaml
- op_types: [Linear]
  op_names: []
  sparsity_per_layer: 0.5
```

## Use instead
Without the key, every name is good:

```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.keys import SELECTORS
from pruneconf.document import Mapping, Path
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context


@rule("PC109", "empty-selector", severity=ERROR, needs="schema")
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        *_, key, last = fault.path
        if not isinstance(last, int):
            yield _list(ctx, fault.path, last)
        elif key == "op_partial_names":
            message = "an empty text is part of every name: it would select every layer"
            yield ctx.finding(fault.path, message, help="write a part of a name, or select by `op_types`")
        else:
            yield ctx.finding(fault.path, f"an entry of `{key}` is empty: no layer matches it", help="remove it")


def _list(ctx: Context, path: Path, key: str) -> Finding:
    node = ctx.document.find(path[:-1])
    others = [other for other in SELECTORS if other != key and isinstance(node, Mapping) and node.get(other)]
    help_ = "write what to select, or remove the key" if others else "write what to select, or remove the sub-config"
    return ctx.finding(path, f"`{key}` is empty: this sub-config selects nothing", help=help_)
