"""`sparsity` is the old spelling of `sparsity_per_layer`.

## What it does
Reports `sparsity` as the amount of a sub-config.

## Why is this bad?
It does the same, but does not say whether the share is of each layer or of all of them together, which is what a
reader wants to know. NNI deprecated it in version 2.

## Example
```yaml
- op_types: [Conv2d]
  sparsity: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Fix safety
Safe: the two mean exactly the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import SAFE, WARNING, rule
from pruneconf.rules.context import Context


@rule("PC601", "deprecated-key", severity=WARNING, needs="schema", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for sub_config in ctx.sub_configs:
        if sub_config.ratio_key == "sparsity" and not sub_config.exclude:
            path = (*sub_config.path, "sparsity")
            fix = ctx.replace(path, "sparsity_per_layer", safe=True, key=True)
            message = "`sparsity` is the old spelling of `sparsity_per_layer`"
            yield ctx.finding(path, message, key=True, help="write `sparsity_per_layer`", fix=fix)
