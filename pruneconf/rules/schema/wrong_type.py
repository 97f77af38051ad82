"""A value has the wrong type.

## What it does
Reports selectors that are not lists of texts, ratios that are not numbers, and an `exclude` that is not `true`.

## Why is this bad?
A text is not a list of one text, and `'0.5'` in quotes is not a number: pruners compare and multiply these values.
NNI rejects them with over a thousand characters about everything else that the sub-config could have been.

## Example
```yaml
- op_types: Conv2d
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Fix safety
Safe where the value stays what it is and only its form changes: `Conv2d` becomes `[Conv2d]`, `'0.5'` becomes `0.5`,
`80%` becomes `0.8`, and the name `0` gets quotes. Unsafe where a text is split at its commas, or where a number in
quotes is out of range and taken for a percentage.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, SAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.types import mend
from pruneconf.rules.schema.values import rewrite


@rule("PC102", "wrong-type", severity=ERROR, needs="schema", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        advice = mend(ctx, fault.path)
        fix = rewrite(ctx, fault.path, advice.text, safe=advice.safe) if advice.text else None
        node = ctx.document.find(fault.path)
        on_key = ctx.document.key(fault.path) is not None and node is not None and node.start == node.end
        yield ctx.finding(fault.path, advice.message, key=on_key, help=advice.help, fix=fix)
