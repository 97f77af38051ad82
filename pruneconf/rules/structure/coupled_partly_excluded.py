"""Layers are pruned whose channels are joined with channels that stay.

## What it does
Under a structured pruner (`l1`, `l2`, `fpgm`, `random`): reports pruned layers whose output channels are joined, by an
addition or the like, with those of a layer that is excluded or that nothing selects, or with the model's input or
output.

## Why is this bad?
A joined channel can only be cut out where every layer that makes it loses it. While one of them keeps its channels,
none can go: the others get zeros in their weights, and no layer becomes smaller.

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
  exclude: true
```

## Use instead
With `--pruner l1`:
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [stem, block.conv2]
  exclude: true
```

## Fix safety
Unsafe: it excludes the layers in a sub-config at the end, where you may want to prune those that are joined with them.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding, Label
from pruneconf.plan import Action, channel_axis
from pruneconf.rules.base import UNSAFE, WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.selection.entries import entry_reaching
from pruneconf.rules.structure.coupled import Cut, cuts, names_of
from pruneconf.rules.words import counted, some

_PINS = {
    "input": "those of the model's input",
    "output": "what the model puts out",
    "heads": "those that other attention heads still need",
}


@rule("PC506", "coupled-partly-excluded", severity=WARNING, needs="graph", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    explained = {name for finding in ctx.found if finding.rule.code == "PC210" for name in finding.layers}
    by_decider: dict[int, list[Cut]] = {}
    for cut in cuts(ctx.plan):
        if cut.pins or not explained.issuperset(cut.kept):
            by_decider.setdefault(cut.pruned[0].decided_by or 0, []).append(cut)
    for index, found in by_decider.items():
        yield _finding(ctx, index, found)


def _finding(ctx: Context, index: int, found: list[Cut]) -> Finding:
    cut = found[0]
    names = names_of(cut.pruned)
    everywhere = list(dict.fromkeys(name for each in found for name in names_of(each.pruned)))
    its = "its" if len(names) == 1 else "their"
    with_whom = _why(ctx, cut)
    joins = (
        f"{cut.joined} joins {its} channels with {with_whom}"
        if cut.joined
        else f"{its} channels are tied to {with_whom}"
    )
    more = f" ({counted(len(found) - 1, 'set')} of layers more like this)" if len(found) > 1 else ""
    return ctx.finding(
        entry_reaching(ctx.selection, ctx.sub_configs[index], ctx.selection.of_names(names)),
        f"{some(names)} cannot shrink: {joins}{more}",
        help=_advice(ctx, cut),
        related=_excluded(ctx, cut),
        layers=everywhere,
        fix=ctx.exclude(everywhere),
    )


def _why(ctx: Context, cut: Cut) -> str:
    """Who keeps the channels."""
    if not cut.kept:
        return _PINS[cut.pins[0].kind]
    fates = {_fate(ctx, name) for name in cut.kept}
    if len(fates) > 1:
        return f"those of {some(cut.kept)}, none of which is pruned"
    return f"those of {some(cut.kept)}, which {'is' if len(cut.kept) == 1 else 'are'} {fates.pop()}"


def _fate(ctx: Context, name: str) -> str:
    entry = ctx.plan.by_name.get(name)
    if entry is None:
        return "out of reach of any config"
    return "excluded" if entry.action is Action.EXCLUDE else "not selected"


def _advice(ctx: Context, cut: Cut) -> str:
    them = "it" if len(cut.pruned) == 1 else "them"
    return f"exclude {them} too" + (f", or prune {some(cut.kept)} by the same ratio" if _can_go(ctx, cut) else "")


def _can_go(ctx: Context, cut: Cut) -> bool:
    """Whether a config could prune all that keeps the channels."""
    entries = [ctx.plan.by_name.get(name) for name in cut.kept]
    return not cut.pins and all(entry is not None and channel_axis(entry.layer) is not None for entry in entries)


def _excluded(ctx: Context, cut: Cut) -> list[Label]:
    """Where the first layer that keeps its channels is excluded."""
    for name in cut.kept:
        entry = ctx.plan.by_name.get(name)
        if entry is not None and entry.decided_by is not None:
            place = entry_reaching(ctx.selection, ctx.sub_configs[entry.decided_by], ctx.selection.of_names([name]))
            return [ctx.label(place, f"excludes `{name}`")]
    return []
