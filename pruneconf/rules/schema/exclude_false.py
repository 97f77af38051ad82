"""`exclude: false` does not mean what it seems to.

## What it does
Reports `exclude: false`. The only value of `exclude` is `true`.

## Why is this bad?
NNI looks only at whether the key is there: it excludes the layers of `exclude: false` as well, silently. Whoever
switches an exclusion off this way gets a model in which these layers are not pruned.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  exclude: false
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Fix safety
Safe where the sub-config has an amount: it removes the key, and the amount holds, as it was written to. Unsafe where it
has none: it removes the whole sub-config, which cannot say anything any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.keys import RATIOS
from pruneconf.document import Mapping
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context


@rule("PC108", "exclude-false", severity=ERROR, needs="schema", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        node = ctx.document.find(fault.path[:-1])
        has_amount = isinstance(node, Mapping) and any(node.get(key) for key in RATIOS)
        what = "`exclude`" if has_amount else "this sub-config"
        help_ = f"remove {what} to prune these layers, or write `true` to leave them as they are"
        path = fault.path if has_amount else fault.path[:-1]
        yield ctx.finding(
            fault.path,
            "`exclude` takes only `true`: NNI excludes these layers even with `false`",
            help=help_,
            fix=ctx.remove(path, safe=has_amount, title=f"remove {what}"),
        )
