"""Two sub-configs in a row differ only in their selectors.

## What it does
Reports a sub-config that prunes by the ratio of the one before it, where one with the selectors of both would select
the same layers. Those with `total_sparsity` are left alone: each shares its total out among its own layers. So are
those that exclude: what is left as it is, for different reasons, is well said apart.

## Why is this bad?
It is longer than it needs to be, and a ratio that stands twice will be changed once.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 Conv2d 16x16x3x3
conv3 Conv2d 16x16x3x3
```
```yaml
- op_names: [conv1]
  sparsity_per_layer: 0.5
- op_names: [conv3]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_names: [conv1, conv3]
  sparsity_per_layer: 0.5
```

## Fix safety
Unsafe: nothing else is pruned, but what was apart may have been meant to be, and the comments of the second sub-config
go with it. There is a fix where one list takes in the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pruneconf.config import SubConfig
from pruneconf.config.keys import SELECTORS
from pruneconf.findings import Finding, Fix
from pruneconf.rules.base import INFO, UNSAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.order.overlaps import same_treatment


@rule("PC308", "mergeable-sub-configs", severity=INFO, needs="plan", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    explained = ctx.sub_configs_with("PC204", "PC301", "PC303")
    for earlier, later in pairwise(ctx.sub_configs):
        if later.ratio and same_treatment(earlier, later) and _is_one_selection(earlier, later):
            if explained & {earlier.index, later.index}:
                continue
            yield ctx.finding(
                later.path,
                "this sub-config prunes like the one before it",
                label="differs only in its selectors",
                help="write one sub-config with the selectors of both",
                related=[ctx.label(earlier.path, "does the same")],
                fix=_merge(ctx, earlier, later),
            )


def _is_one_selection(earlier: SubConfig, later: SubConfig) -> bool:
    """Whether one sub-config with the selectors of both selects what they do: names are added up, types filter them."""
    by_name = [sub.op_names is not None or sub.op_partial_names is not None for sub in (earlier, later)]
    if all(by_name):
        return set(earlier.op_types or ()) == set(later.op_types or ())
    return not any(by_name)


def _merge(ctx: Context, earlier: SubConfig, later: SubConfig) -> Fix | None:
    """The fix that adds the entries of the one list that differs to the list of the earlier sub-config."""
    from pruneconf.document.edits import extension

    differing = [key for key in SELECTORS if set(getattr(earlier, key) or ()) != set(getattr(later, key) or ())]
    out = ctx.remove(later.path, safe=False, title="")
    if len(differing) != 1 or out is None:
        return None
    (key,) = differing
    there = getattr(earlier, key) or ()
    new = [value for value in getattr(later, key) or () if value not in there]
    edits = extension(ctx.document, (*earlier.path, key), new)
    return Fix("merge the two sub-configs", False, (*edits, *out.edits)) if edits else None
