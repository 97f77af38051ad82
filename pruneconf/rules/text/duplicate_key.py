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

## Fix safety
Unsafe: it removes the first of the two, which loaders drop, and perhaps that one was meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.document import Mapping, Path, Problem
from pruneconf.document.edits import removal_of
from pruneconf.findings import Finding, Fix
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.text import problems


@rule("PC002", "duplicate-key", severity=ERROR, needs="text", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    def without_the_first(problem: Problem, path: Path) -> Fix | None:
        mapping = ctx.document.find(path[:-1])
        if not isinstance(mapping, Mapping) or problem.first is None:
            return None
        starts = [entry.key.start for entry in mapping.entries]
        index = starts.index(problem.first[0]) if problem.first[0] in starts else -1
        edits = removal_of(ctx.document, mapping, index)
        return Fix(f"remove the first `{path[-1]}`", safe=False, edits=edits) if edits else None

    yield from problems(ctx, without_the_first)
