"""An `op_names` or `op_types` entry stands for modules that have no weight to prune.

## What it does
Reports entries that name a module, or a type of modules, which is no layer: it owns no floating-point parameter called
`weight`. It says why: an activation has none, a normalisation was built without one, an LSTM calls its weights
otherwise, a quantized one is no floating-point tensor, a lazy one has no shape yet.

## Why is this bad?
The entry selects nothing, so whatever the sub-config says about it has no effect.

## Example
```layers
conv1 Conv2d 16x3x3x3
rnn LSTM -
fc Linear 10x16
```
```yaml
- op_types: [Conv2d, Linear, LSTM]
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
from pruneconf.graph import ModelGraph, Module, Weight
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.layer_types import RECURRENT


@rule("PC207", "not-prunable", severity=ERROR, needs="model")
def check(ctx: Context) -> Iterator[Finding]:
    for item in ctx.items("op_names"):
        module = ctx.graph.modules_by_name.get(item.value)
        if module and (module.weight in {Weight.NOT_FLOAT, Weight.LAZY} or _has_none(module)):
            reason, advice = _why(module)
            message = f"`{item.value}` ({module.type}) has nothing to prune: {reason}"
            yield ctx.finding(item.path, message, help=advice)
    types = _types_without_layers(ctx.graph)
    for item in ctx.items("op_types"):
        if item.value in types:
            reason, advice = _why(types[item.value])
            message = f"no `{item.value}` of this model has anything to prune: {reason}"
            yield ctx.finding(item.path, message, help=advice)


def _has_none(module: Module) -> bool:
    return module.weight is Weight.NONE and not module.children


def _types_without_layers(graph: ModelGraph) -> dict[str, Module]:
    """Types that no layer has, each with one of its modules; not those with a computed weight (PC510)."""
    computed = {module.type for module in graph.modules if module.weight is Weight.COMPUTED}
    return {
        module.type: module
        for module in reversed(graph.modules)
        if module.type not in graph.types and module.type not in computed
    }


def _why(module: Module) -> tuple[str, str]:
    """Why a module is no layer, and what to do."""
    if module.weight is Weight.NOT_FLOAT:
        return "its weight is no floating-point parameter", "prune the model before it is quantized"
    if module.weight is Weight.LAZY:
        return "its weight has no shape yet", "run the model once, so that its lazy modules know their sizes"
    if module.children:
        return "it is a container", "write the types of the layers in it"
    if module.type in RECURRENT:
        return "its weights are called `weight_ih_l0` and the like, none `weight`", "leave it out"
    if "Norm" in module.type:
        return "it was built without a weight (affine=False)", "leave it out"
    return "it has no weight of its own", "leave it out"
