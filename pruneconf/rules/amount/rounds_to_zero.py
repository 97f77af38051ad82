"""A ratio is so small that it rounds down to nothing.

## What it does
Reports a ratio above 0 that masks nothing in some of its layers, or in a whole `total_sparsity` group. Layers of one
element are only mentioned where nothing else is pruned: no ratio below 1 can prune them.

## Why is this bad?
A layer of n elements loses floor(ratio * n) of them. Where that is 0, the layer looks pruned in the config and is not.
A structured pruner (`l1`, `l2`, `fpgm`, `random`) counts output channels: of 16 channels, a ratio of 0.05 takes none.

## Example
```layers
gate Linear 4x4
fc Linear 64x64
```
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.05
```

## Use instead
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.1
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import SubConfig
from pruneconf.findings import Finding
from pruneconf.graph import Layer
from pruneconf.plan import channel_axis, maskable, maskables
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.words import some

_DIGITS = 10_000


@rule("PC404", "rounds-to-zero", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    for sub_config, effective in zip(ctx.sub_configs, ctx.plan.effective, strict=True):
        if effective and sub_config.ratio and sub_config.ratio.value:
            untouched = _untouched(ctx, sub_config, ctx.selection.layers(effective))
            if untouched:
                yield _finding(ctx, sub_config, untouched)


def _untouched(ctx: Context, sub_config: SubConfig, every: tuple[Layer, ...]) -> list[Layer]:
    """The layers in which the ratio masks nothing, as far as another ratio would."""
    ratio = sub_config.ratio
    if ratio is None or (not sub_config.is_total and all(map(ratio.of, set(maskables(every, ctx.pruner))))):
        return []
    layers = [layer for layer in every if layer.numel]
    if sub_config.is_total:
        sizes = {layer.parameter: layer.numel for layer in layers}
        return [] if ratio.of(sum(sizes.values())) else layers
    untouched = [layer for layer in layers if not ratio.of(maskable(layer, ctx.pruner))]
    if len(untouched) == len(layers):
        return untouched
    return [layer for layer in untouched if maskable(layer, ctx.pruner) > 1]


def _finding(ctx: Context, sub_config: SubConfig, layers: list[Layer]) -> Finding:
    key = sub_config.ratio_key or ""
    by_channel = ctx.pruner.is_structured and not sub_config.is_total
    what = "channels" if by_channel and all(channel_axis(layer) is not None for layer in layers) else "elements"
    sizes = {layer.parameter: maskable(layer, ctx.pruner) if by_channel else layer.numel for layer in layers}
    size = sum(sizes.values()) if sub_config.is_total else min(sizes.values())
    least = -(-_DIGITS // size) / _DIGITS
    possible = 1 < size < _DIGITS and least < 1
    names = [layer.name for layer in layers]
    return ctx.finding(
        (*sub_config.path, key),
        f"this masks nothing in {some(names)}: it rounds down to 0 {what}",
        label=f"0 of {size:,} {what}" + ("" if sub_config.is_total or len(sizes) == 1 else " in the smallest"),
        help=f"write at least {least}, or exclude what is too small" if possible else "exclude what is too small",
        layers=names,
    )
