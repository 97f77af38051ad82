"""A ratio is zero: nothing is pruned.

## What it does
Reports `sparsity_per_layer`, `total_sparsity` or `sparsity` of 0.

## Why is this bad?
A ratio of 0 is how some people write an exclusion. It works, but the reader has to guess whether it was meant so or is
a value still to be filled in. `exclude: true` says it.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  sparsity_per_layer: 0
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  exclude: true
```

## Fix safety
Unsafe: the masks stay the same, but perhaps another ratio was meant. There is no fix beside a
`max_sparsity_per_layer`, which an exclusion cannot have.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import SubConfig
from pruneconf.document import Path
from pruneconf.findings import Finding, Fix
from pruneconf.rules.base import UNSAFE, WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.values import rewrite


@rule("PC405", "zero-ratio", severity=WARNING, needs="schema", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for sub_config in ctx.sub_configs:
        ratio, key = sub_config.ratio, sub_config.ratio_key
        if ratio is None or key is None or ratio.value != 0 or sub_config.exclude:
            continue
        path = (*sub_config.path, key)
        message = f"a ratio of `{ratio.text}` prunes nothing"
        help_ = "write `exclude: true` to leave these layers as they are"
        yield ctx.finding(path, message, help=help_, fix=_exclude(ctx, path, sub_config))


def _exclude(ctx: Context, path: Path, sub_config: SubConfig) -> Fix | None:
    if sub_config.cap is not None:
        return None
    key = ctx.replace(path, "exclude", safe=False, key=True)
    value = rewrite(ctx, path, "true", safe=False)
    return Fix("replace with `exclude: true`", False, (*key.edits, *value.edits)) if value else None
