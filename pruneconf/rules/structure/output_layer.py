"""The layer that makes the model's output loses whole channels, or nearly all its weights.

## What it does
Reports the layers from which a model output comes directly: as an error where a structured pruner (`l1`, `l2`, `fpgm`,
`random`) is to mask some of their output channels, and as a warning where `level` is to mask more than 0.9 of their
weights.

## Why is this bad?
An output channel of the last layer is a class, a pixel value or a word. A masked one is a class that the model can
never predict again, and no fine-tuning brings it back. Other layers can make up for each other; nothing comes after
this one.

## Example
With `--pruner l1`:
```layers
conv1 Conv2d 16x3x3x3
conv2 Conv2d 32x16x3x3
fc Linear 10x32 output
```
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
```

## Use instead
With `--pruner l1`:
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
- op_names: [fc]
  exclude: true
```

## Fix safety
Unsafe: it excludes the layer in a sub-config of its own at the end, where you may have meant a smaller ratio.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pruneconf.findings import Finding
from pruneconf.graph import Coupling, Side
from pruneconf.plan import Action, LayerPlan, channel_axis
from pruneconf.rules.base import ERROR, UNSAFE, WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.selection.entries import entry_reaching
from pruneconf.rules.structure.coupled import channels, masked_channels, names_of
from pruneconf.rules.words import counted, some

_MOST = Decimal("0.9")


@rule("PC504", "output-layer", severity=ERROR, needs="graph", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    at_risk: dict[int, list[LayerPlan]] = {}
    explained = set() if ctx.pruner.is_structured else ctx.sub_configs_with("PC406")
    for entry in ctx.plan.layers:
        if entry.action is not Action.PRUNE or entry.decided_by is None or entry.decided_by in explained:
            continue
        harmed = _loses_channels(entry) if ctx.pruner.is_structured else _loses_most(ctx, entry)
        if harmed and _makes_output(ctx, entry):
            at_risk.setdefault(entry.decided_by, []).append(entry)
    for index, entries in at_risk.items():
        yield _finding(ctx, index, tuple(entries))


def _makes_output(ctx: Context, entry: LayerPlan) -> bool:
    """Whether an output comes from this layer and no other adds to it."""
    name = entry.layer.name
    couplings = [each for each in ctx.graph.couplings_of.get(name, ()) if name in each.layers(Side.OUT)]
    if not couplings:
        return entry.layer.output
    return any(_alone(each) and (entry.layer.output or _is_shown(each)) for each in couplings)


def _alone(coupling: Coupling) -> bool:
    return len(coupling.layers(Side.OUT)) == 1


def _is_shown(coupling: Coupling) -> bool:
    return any(pin.kind == "output" for pin in coupling.pins)


def _loses_channels(entry: LayerPlan) -> bool:
    return channel_axis(entry.layer) is not None and masked_channels(entry) != 0


def _loses_most(ctx: Context, entry: LayerPlan) -> bool:
    sub_config = ctx.sub_configs[entry.decided_by or 0]
    capped = sub_config.cap is not None and sub_config.cap.value <= _MOST
    return entry.ratio is not None and entry.ratio.value > _MOST and not capped


def _finding(ctx: Context, index: int, entries: tuple[LayerPlan, ...]) -> Finding:
    names = names_of(entries)
    makes, it = ("makes", "it") if len(names) == 1 else ("make", "them")
    structured = ctx.pruner.is_structured
    what = (
        _channels_lost(entries)
        if structured
        else f"{entries[0].ratio.text if entries[0].ratio else ''} of it is masked"
    )
    return ctx.finding(
        entry_reaching(ctx.selection, ctx.sub_configs[index], ctx.selection.of_names(names)),
        f"{some(names)} {makes} the model's output, and {what}",
        help=f"exclude {some(names)}" if structured else f"exclude {it}, or give {it} a ratio of at most {_MOST}",
        layers=names,
        fix=ctx.exclude(names),
        severity=ERROR if structured else WARNING,
    )


def _channels_lost(entries: tuple[LayerPlan, ...]) -> str:
    masked = masked_channels(entries[0])
    if len(entries) > 1 or masked is None:
        return f"some of {'its' if len(entries) == 1 else 'their'} channels will be masked"
    return f"{masked:,} of its {counted(channels(entries[0]), 'channel')} will be masked"
