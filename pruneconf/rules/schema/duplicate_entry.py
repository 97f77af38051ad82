"""The same entry stands twice in one list.

## What it does
Reports an entry of `op_types`, `op_names` or `op_partial_names` that stands in the same list before.

## Why is this bad?
The second one has no effect. Often it was copied to be changed, and another name was meant.

## Example
```yaml
- op_names: [layer1.conv1, layer1.conv2, layer1.conv1]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_names: [layer1.conv1, layer1.conv2]
  sparsity_per_layer: 0.5
```

## Fix safety
Safe: the entry that is removed has no effect. Unsafe where a comment stands on its line, which goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.keys import SELECTORS
from pruneconf.document import Path
from pruneconf.findings import Finding
from pruneconf.rules.base import SAFE, WARNING, rule
from pruneconf.rules.context import Context


@rule("PC110", "duplicate-entry", severity=WARNING, needs="schema", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for key in SELECTORS:
        first: dict[tuple[Path, str], Path] = {}
        for item in ctx.items(key):
            earlier = first.setdefault((item.sub_config.path, item.value), item.path)
            if item.value and earlier != item.path:
                message = f"`{item.value}` stands twice in `{key}`"
                related = [ctx.label(earlier, "it stands here first")]
                fix = ctx.remove(item.path, safe=True, title=f"remove `{item.value}`")
                yield ctx.finding(
                    item.path, message, help="remove it, or write what was meant", related=related, fix=fix
                )
