"""Everything that a selector entry matches is matched by another entry beside it.

## What it does
Reports entries of `op_names` and `op_partial_names` whose layers another entry of the two lists matches as well. An
entry that only continues the number of another, such as `layer.10` beside `layer.1`, is left alone.

## Why is this bad?
The entry can be removed without changing what is selected. Who reads it will think that it selects something more, or
that the wider entry selects less.

## Example
```layers
encoder.0.conv1 Conv2d 16x3x3x3
encoder.0.conv2 Conv2d 16x16x3x3
encoder.1.conv1 Conv2d 16x16x3x3
```
```yaml
- op_partial_names: [encoder.]
  op_names: [encoder.1.conv1]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_partial_names: [encoder.]
  sparsity_per_layer: 0.5
```

## Fix safety
Safe: the same layers are selected without the entry. Unsafe where a comment stands on its line, which goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import or_

from pruneconf.findings import Finding, Fix
from pruneconf.plan import LayerSet
from pruneconf.rules.base import SAFE, WARNING, rule
from pruneconf.rules.context import Context, Item


@rule("PC209", "redundant-selector", severity=WARNING, needs="model", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    entries: dict[int, list[Item]] = {}
    for key in ("op_partial_names", "op_names"):
        for item in ctx.items(key):
            if item.sub_config.op_partial_names:
                entries.setdefault(item.sub_config.index, []).append(item)
    for items in entries.values():
        if len(items) > 1:
            redundant = list(_redundant(ctx, items))
            for item, wider, layers in redundant:
                yield _finding(ctx, item, wider, layers, _fix(ctx, item, [other for other, *_ in redundant]))


def _redundant(ctx: Context, items: list[Item]) -> Iterator[tuple[Item, Item, LayerSet]]:
    """Entries with the wider one that matches their layers too; of those that match the same, the shortest stays."""
    items = sorted(items, key=lambda item: (item.path[-2] == "op_names", len(item.value), item.value))
    partial = [item for item in items if item.path[-2] == "op_partial_names"]
    sets = [_layers(ctx, item) for item in items]
    elsewhere = _others(sets)
    for i, (item, layers) in enumerate(zip(items, sets, strict=True)):
        if not layers or layers & ~elsewhere[i]:
            continue
        for j, wider in enumerate(partial):
            if (
                i != j
                and not layers & ~sets[j]
                and (layers != sets[j] or j < i)
                and not _same_or_counts_on(item, wider)
            ):
                yield item, wider, layers
                break


def _layers(ctx: Context, item: Item) -> LayerSet:
    if item.path[-2] == "op_names":
        return ctx.selection.of_names([item.value])
    return ctx.selection.of_partial_name(item.value) if item.value else 0


def _others(sets: Sequence[LayerSet]) -> list[LayerSet]:
    """For each set, the union of all others."""
    before = list(accumulate(sets, or_, initial=0))
    after = list(accumulate(reversed(sets), or_, initial=0))[::-1]
    return [before[i] | after[i + 1] for i in range(len(sets))]


def _same_or_counts_on(item: Item, wider: Item) -> bool:
    """Whether the entries are the same (PC110), or one says `layer.10` where the other says `layer.1`."""
    same = item.value == wider.value and item.path[-2] == wider.path[-2]
    return same or _counts_on(item.value, wider.value) or _counts_on(wider.value, item.value)


def _counts_on(text: str, part: str) -> bool:
    """Whether wherever `part` stands in `text`, its number goes on."""
    ends = [at + len(part) for at in range(len(text)) if text.startswith(part, at)]
    return part[-1:].isdecimal() and bool(ends) and all(text[end : end + 1].isdecimal() for end in ends)


def _fix(ctx: Context, item: Item, redundant: list[Item]) -> Fix | None:
    """Remove the entry, or the whole list where all its entries are redundant."""
    *path, key, _ = item.path
    beside = [other for other in redundant if other.path[:-1] == item.path[:-1]]
    whole = len(beside) == len(getattr(item.sub_config, str(key)) or ())
    what = str(key) if whole else item.value
    return ctx.remove((*path, key) if whole else item.path, safe=True, title=f"remove `{what}`")


def _finding(ctx: Context, item: Item, wider: Item, layers: LayerSet, fix: Fix | None) -> Finding:
    return ctx.finding(
        item.path,
        f"the partial name `{wider.value}` matches everything that `{item.value}` does",
        help="remove it",
        related=[ctx.label(wider.path, "matches these layers too")],
        layers=[layer.name for layer in ctx.selection.layers(layers)],
        fix=fix,
    )
