"""A large share of the model's weights is out of reach of `op_types`.

## What it does
Reports a config that selects by `op_types` alone, where a quarter of the model's parameters or more lies in weights
that look like those of a layer and are none of its types: parameters that belong to no layer (`in_proj_weight` of
`nn.MultiheadAttention`, the stacked experts of a mixture, the weights of an LSTM), and layers of classes that are not
torch's own, such as the `Conv1D` of GPT-2. It says which, and how much they hold.

## Why is this bad?
The ratio in the config is not that of the model: half of `Linear` is a sixth of GPT-2, because two thirds of its
weights are in layers called `Conv1D`.

## Example
```layers
embed Embedding 100x64
attn MultiheadAttention -
attn.in_proj_weight MultiheadAttention 192x64 unreachable
fc Linear 64x64
head Linear 100x64
```
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.5
```

## Use instead
```layers
embed Embedding 100x64
attn Attention -
attn.qkv Linear 192x64
fc Linear 64x64
head Linear 100x64
```
```yaml
- op_types: [Linear]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from pruneconf.config import SubConfig
from pruneconf.findings import Finding
from pruneconf.plan import DEFAULT_TYPES
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.layer_types import TORCH_TYPES, scales_or_embeds
from pruneconf.rules.words import typed

_LARGE = 4
"""One part in so many of all parameters."""
_HEAVY = 100


@rule("PC211", "unreachable-weights", severity=WARNING, needs="plan")
def check(ctx: Context) -> Iterator[Finding]:
    broad = next((each for each in ctx.sub_configs if _is_broad(each)), None)
    if broad is None:
        return
    parameters = _heavy(ctx, _parameters(ctx))
    layers = _heavy(ctx, _foreign_layers(ctx, set(broad.op_types or ())))
    missed = sum(parameters.values()) + sum(layers.values())
    total = max(ctx.graph.parameters, missed)
    if missed and missed * _LARGE >= total:
        yield ctx.finding(
            (*broad.path, "op_types"),
            f"{missed / total:.0%} of the model's parameters are out of reach of these types",
            label=f"{missed:,} of {total:,} parameters",
            help=_advice(parameters, layers),
        )


def _is_broad(sub_config: SubConfig) -> bool:
    """Whether it prunes by type alone."""
    by_name = sub_config.op_names is not None or sub_config.op_partial_names is not None
    return bool(sub_config.op_types) and not by_name and not sub_config.exclude


def _heavy(ctx: Context, found: dict[str, int]) -> dict[str, int]:
    """What holds more than a hundredth of the model: the router of a mixture, which nobody should prune, does not."""
    return {name: numel for name, numel in found.items() if numel * _HEAVY >= ctx.graph.parameters}


def _parameters(ctx: Context) -> dict[str, int]:
    """Elements of the parameters that no config can select, by the end of their name and the type of their owner."""
    found: dict[str, int] = {}
    for parameter in ctx.graph.unreachable:
        name = f"{parameter.owner}.{parameter.name.rpartition('.')[2]}"
        found[name] = found.get(name, 0) + prod(parameter.shape)
    return found


def _foreign_layers(ctx: Context, op_types: set[str]) -> dict[str, int]:
    """Elements of the layers that no sub-config selects and whose type is not torch's, by type; not those of PC210."""
    wanted = op_types | (set(DEFAULT_TYPES) if "default" in op_types else set())
    found: dict[str, int] = {}
    seen: set[str] = {entry.layer.parameter for entry in ctx.plan.layers if entry.decided_by is not None}
    for entry in ctx.plan.layers:
        layer = entry.layer
        known = layer.type in TORCH_TYPES or scales_or_embeds(layer.type) or not wanted.isdisjoint(layer.bases)
        if not known and layer.parameter not in seen:
            seen.add(layer.parameter)
            found[layer.type] = found.get(layer.type, 0) + layer.numel
    return found


def _advice(parameters: dict[str, int], layers: dict[str, int]) -> str:
    advice = []
    if layers:
        advice.append(f"add to `op_types`, or exclude: {typed(layers)}")
    if parameters:
        advice.append(f"no config can select {typed(parameters)}: count on pruning the rest only")
    return "; ".join(advice)
