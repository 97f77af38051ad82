"""`exclude` has a value that was a boolean in YAML 1.1 only.

## What it does
Reports `exclude: yes`, `on` and `y`, and `no`, `off` and `n`: in YAML 1.2 they are texts.

## Why is this bad?
What the line means depends on who reads it. PyYAML, which NNI's users load their files with, still follows YAML 1.1
and sees a boolean; every YAML 1.2 parser sees the text `yes`.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  exclude: yes
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [conv1]
  exclude: true
```

## Fix safety
Safe: `yes`, `on` and `y` become `true`, which they always stood for. There is no fix for `no`: to prune the layers
after all, the key has to go.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.keys import YAML_1_1_BOOLEANS
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, SAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.values import rewrite, written


@rule("PC005", "yaml-1.1-boolean", severity=ERROR, needs="schema", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        text = written(ctx, fault.path)
        message = f"`{text}` is a text in YAML 1.2, not a boolean"
        if YAML_1_1_BOOLEANS[text.lower()]:
            fix = rewrite(ctx, fault.path, "true", safe=True)
            yield ctx.finding(fault.path, message, help="write `true`", fix=fix)
        else:
            yield ctx.finding(
                fault.path, message, help="remove `exclude` to prune these layers: `false` is not allowed"
            )
