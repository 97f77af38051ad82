"""A selector stands for a module whose weight is computed from other parameters.

## What it does
Reports entries of `op_names` that name a module whose `weight` is computed (weight_norm, spectral_norm, other
parametrizations, an adapter), and entries of `op_types` and `op_partial_names` that reach such modules and no layer.

## Why is this bad?
Such a weight is made anew in every forward pass from parameters with other names. A mask on it would be gone after one
step, so these modules are no layers and nothing selects them.

## Example
```layers
conv1 Conv2d 16x3x3x3
conv2 ParametrizedConv2d - computed
```
```yaml
- op_names: [conv1, conv2]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_names: [conv1]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.graph import Module
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context, Item
from pruneconf.rules.structure.computed import computed_modules

_HELP = (
    "fold the parametrization into the weight before pruning (`torch.nn.utils.parametrize.remove_parametrizations`,"
    " `torch.nn.utils.remove_weight_norm`), or leave it out"
)


@rule("PC510", "parametrized-weight", severity=ERROR, needs="model")
def check(ctx: Context) -> Iterator[Finding]:
    computed = computed_modules(ctx.graph)
    if not computed:
        return
    by_name = {name: module for module in computed for name in (module.name, *module.aliases)}
    by_type = {module.type: module for module in reversed(computed) if module.type not in ctx.graph.types}
    for item in ctx.items("op_names"):
        if item.value in by_name:
            yield _finding(ctx, item, f"the weight of `{item.value}` ({by_name[item.value].type}) is computed")
    for item in ctx.items("op_types"):
        if item.value in by_type:
            yield _finding(ctx, item, f"the weight of every `{item.value}` is computed, {_such(by_type[item.value])}")
    for item in ctx.items("op_partial_names"):
        if item.value and not ctx.selection.of_partial_name(item.value):
            found = next((module for name, module in by_name.items() if item.value in name), None)
            if found:
                message = f"only modules with a computed weight have `{item.value}` in their name, {_such(found)}"
                yield _finding(ctx, item, message)


def _such(module: Module) -> str:
    return f"such as that of `{module.name}`" if module.name else "the model's own"


def _finding(ctx: Context, item: Item, message: str) -> Finding:
    return ctx.finding(item.path, f"{message}: a mask on it would not last", help=_HELP)
