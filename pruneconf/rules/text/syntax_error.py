"""The text is not YAML, JSON or Python.

## What it does
Reports the first place where the file cannot be read, in one finding. Nothing else is checked in that file: what
follows a syntax error is guesswork.

Files that end in `.json` are read as JSON, those in `.py` as Python source that is not run, all others as YAML 1.2, one
document per file.

## Why is this bad?
No tool can read the file. The message of a YAML library often names the place where it gave up, lines after the
mistake; this one names the bracket, the quote or the line that is at fault.

## Example
```yaml
- op_types: [Conv2d, Linear
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.text import problems


@rule("PC001", "syntax-error", severity=ERROR, needs="text")
def check(ctx: Context) -> Iterator[Finding]:
    yield from problems(ctx)
