"""Layers whose channels are joined lose different shares of them.

## What it does
Under a structured pruner (`l1`, `l2`, `fpgm`, `random`): reports layers whose output channels are added, multiplied or
otherwise joined channel by channel, and which are pruned by different ratios. A depthwise convolution is joined with
the layer before it in the same way.

## Why is this bad?
A joined channel can only be cut out where every layer that makes it loses it. Of the larger ratio nothing remains but
zeros that are computed and stored as before: the set shrinks by the smallest ratio in it, at most.

## Example
With `--pruner l1`:
```layers
stem Conv2d 16x3x3x3
block.conv1 Conv2d 32x16x3x3
block.conv2 Conv2d 16x32x3x3
coupled stem, block.conv2 by add at model.py:31
```
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [stem]
  sparsity_per_layer: 0.25
```

## Use instead
With `--pruner l1`:
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [stem, block.conv2]
  sparsity_per_layer: 0.25
```

## Fix safety
Unsafe: it adds the layers to the `op_names` of the later sub-config, where you may have meant the other ratio. There
is no fix where that sub-config selects layers by their types.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.document import Path
from pruneconf.findings import Finding, Fix
from pruneconf.plan import LayerPlan
from pruneconf.rules.base import UNSAFE, WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.selection.entries import entry_reaching
from pruneconf.rules.structure.coupled import Cut, channels, cuts, loss, share
from pruneconf.rules.words import counted


@rule("PC505", "coupled-ratio-mismatch", severity=WARNING, needs="graph", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    by_deciders: dict[tuple[int, int], list[Cut]] = {}
    for cut in cuts(ctx.plan):
        if cut.mismatched and not cut.held:
            last, other = _extremes(cut)
            by_deciders.setdefault((other.decided_by or 0, last.decided_by or 0), []).append(cut)
    for found in by_deciders.values():
        yield _finding(ctx, found)


def _extremes(cut: Cut) -> tuple[LayerPlan, LayerPlan]:
    """A layer of the last sub-config that decides here, and the first one that loses another share."""
    last = max(cut.pruned, key=lambda entry: entry.decided_by or 0)
    return last, next(entry for entry in cut.pruned if share(entry) != share(last))


def _finding(ctx: Context, found: list[Cut]) -> Finding:
    last, other = _extremes(found[0])
    names = f"`{other.layer.name}` and `{last.layer.name}`"
    more = f" ({counted(len(found) - 1, 'set')} of layers more like them)" if len(found) > 1 else ""
    joins = f", which {found[0].joined} joins" if found[0].joined else ", which belong together"
    return ctx.finding(
        _place(ctx, last),
        f"{names} lose different shares of their channels{joins}{more}",
        label=loss(last),
        help=f"let one sub-config decide about both{_effective(found[0])}",
        related=[ctx.label(_place(ctx, other), loss(other))],
        layers=list(dict.fromkeys(entry.layer.name for cut in found for entry in cut.pruned)),
        fix=_fix(ctx, found, last),
    )


def _fix(ctx: Context, found: list[Cut], last: LayerPlan) -> Fix | None:
    """Let the sub-config of a layer decide about all of them, where it says so by names alone."""
    decider = ctx.sub_configs[last.decided_by or 0]
    if decider.op_names is None or decider.op_types is not None:
        return None
    others = (entry for cut in found for entry in cut.pruned if entry.decided_by != decider.index)
    return ctx.add_names(decider, list(dict.fromkeys(entry.layer.name for entry in others)))


def _effective(cut: Cut) -> str:
    """What can be cut out at most."""
    entries = {share(entry): entry for entry in cut.pruned}
    known = [each for each in entries if not isinstance(each, str)]
    if not known:
        return ""
    least = entries[min(known)]
    count = int(min(known) * channels(least))
    return f"; as it stands, at most {count:,} of {channels(least):,} channels can be cut out"


def _place(ctx: Context, entry: LayerPlan) -> Path:
    sub_config = ctx.sub_configs[entry.decided_by or 0]
    return entry_reaching(ctx.selection, sub_config, ctx.selection.of_names([entry.layer.name]))
