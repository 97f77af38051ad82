"""NNI would prune another number of weights with this config.

## What it does
Reports where NNI 2.10.1 masks another number than the config says, and pruneconf does. NNI multiplies binary floats, so
that 0.29 of 100 weights are 28, and it never takes more than 99 % of a layer where a `total_sparsity` has no
`max_sparsity_per_layer`. In its global mode it makes one pool of the layers of all totals of one ratio, as if they
stood in one sub-config, and totals of different ratios end it with a bare `AssertionError`.

## Why is this bad?
It is not: pruneconf does what is written. But results of NNI with the same config are not the same, which matters
when a paper's numbers are to be reproduced.

## Example
```layers
fc1 Linear 10x10
fc2 Linear 16x16
```
```yaml
- op_names: [fc1]
  sparsity_per_layer: 0.29
```

## Use instead
To get NNI's number, write the ratio that it comes to.
```yaml
- op_names: [fc1]
  sparsity_per_layer: 0.28
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import SubConfig
from pruneconf.findings import Finding
from pruneconf.graph import Layer
from pruneconf.plan import Group, maskable, maskables
from pruneconf.rules.base import INFO, rule
from pruneconf.rules.context import Context
from pruneconf.rules.words import some

_NNI_CAP = 0.99


@rule("PC606", "nni-differs", severity=INFO, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    for sub_config, effective in zip(ctx.sub_configs, ctx.plan.effective, strict=True):
        if sub_config.ratio and not sub_config.is_total:
            yield from _rounded(ctx, sub_config, ctx.selection.layers(effective))
    for group in ctx.plan.groups:
        if group.masked and not group.cap:
            yield from _capped(ctx, group)
    yield from _pooled(ctx)


def _pooled(ctx: Context) -> Iterator[Finding]:
    groups = ctx.plan.groups
    if len(groups) <= 1:
        return
    if len({group.ratio.value for group in groups}) > 1:
        message = "NNI's global mode ends with a bare `AssertionError` where totals have different ratios"
    else:
        layers = sum(len(group.layers) for group in groups)
        message = f"NNI's global mode makes one pool of the {layers:,} layers of these {len(groups)} totals"
    *others, last = [(*ctx.sub_configs[group.sub_config].path, "total_sparsity") for group in groups]
    yield ctx.finding(last, message, related=[ctx.label(path) for path in others])


def _rounded(ctx: Context, sub_config: SubConfig, layers: tuple[Layer, ...]) -> Iterator[Finding]:
    ratio = sub_config.ratio
    if ratio is None:
        return
    sizes = maskables(layers, ctx.pruner)
    theirs = {size: int(float(ratio.text) * size) for size in set(sizes)}
    differing = {size for size in theirs if theirs[size] != ratio.of(size)}
    other = [layer for layer, size in zip(layers, sizes, strict=True) if size in differing]
    if other:
        size = maskable(other[0], ctx.pruner)
        yield ctx.finding(
            (*sub_config.path, sub_config.ratio_key or ""),
            f"NNI masks another number in {some([layer.name for layer in other])}: it multiplies binary floats",
            label=f"{theirs[size]:,} of {size:,} in NNI, {ratio.of(size):,} here",
            layers=[layer.name for layer in other],
        )


def _capped(ctx: Context, group: Group) -> Iterator[Finding]:
    possible = sum(int(_NNI_CAP * layer.numel) for layer in group.layers)
    if possible < group.masked:
        yield ctx.finding(
            (*ctx.sub_configs[group.sub_config].path, "total_sparsity"),
            f"NNI takes at most {_NNI_CAP} of each layer, where no `max_sparsity_per_layer` is written",
            label=f"{possible:,} of {group.numel:,} in NNI, {group.masked:,} here",
            layers=[layer.name for layer in group.layers],
        )
