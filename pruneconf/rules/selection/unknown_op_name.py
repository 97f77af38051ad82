"""An `op_names` entry is the name of no module of the model.

## What it does
Looks for each entry of `op_names` among the layers and the other modules of the model. Where it is neither, it says
which layer was most likely meant: one whose name differs in a few letters or an index, one that lacks or has a prefix
(`module.` of DataParallel, `_orig_mod.` of torch.compile, `model.`), the layer whose parameter was named
(`fc.weight`), or the first name of a layer that is reachable under several.

## Why is this bad?
The entry selects nothing, and nothing else would say so: the layer keeps its weights, or an exclude does not protect
it. Names are compared letter by letter, without patterns.

## Example
```layers
layer1.0.conv1 Conv2d 64x64x3x3
layer1.0.conv2 Conv2d 64x64x3x3
fc Linear 10x64
```
```yaml
- op_names: [layr1.0.conv1, layer1.0.conv2]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_names: [layer1.0.conv1, layer1.0.conv2]
  sparsity_per_layer: 0.5
```

## Fix safety
Unsafe: it writes the name that was most likely meant, where there is just one. There is no fix where only an index
differs (`layer1.7.conv1` in a model that ends at `layer1.1.conv1`), since the layer may be listed already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.graph import ModelGraph
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.words import some
from pruneconf.suggest import DottedNames, did_you_mean


@rule("PC201", "unknown-op-name", severity=ERROR, needs="model", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    graph = ctx.graph
    names = ctx.selection.dotted_names()
    for item in ctx.items("op_names"):
        name = item.value
        if name in graph.by_name or name in graph.modules_by_name:
            continue
        meant, advice = _advice(graph, names, name)
        sure = len(meant) == 1 and re.sub(r"\d+", "0", meant[0]) != re.sub(r"\d+", "0", name)
        fix = ctx.replace(item.path, meant[0], safe=False) if sure else None
        yield ctx.finding(item.path, f"no layer is named `{name}`", help=advice, fix=fix)


def _advice(graph: ModelGraph, names: DottedNames, name: str) -> tuple[list[str], str]:
    """The layers that may be meant, and what to say about them."""
    if name in graph.by_alias:
        first = graph.by_alias[name].name
        return [first], f"it is a further name of `{first}`, and only the first name selects: write `{first}`"
    owner, _, parameter = name.rpartition(".")
    if owner in graph.by_name and parameter.startswith(("weight", "bias")):
        return [owner], f"that is a parameter: write the name of its layer, `{owner}`"
    if name in graph.types:
        return [], f"`{name}` is a type: write it under `op_types`"
    meant = names.near(name)
    if len(meant) == 1:
        return meant, _offer(name, meant[0])
    return meant, did_you_mean(meant) or _without_a_guess(names, name)


def _offer(name: str, other: str) -> str:
    if name.endswith(f".{other}"):
        return f"did you mean `{other}`, without the prefix `{name.removesuffix(other)}`?"
    if other.endswith(f".{name}"):
        return f"did you mean `{other}`, with the prefix `{other.removesuffix(name)}`?"
    return f"did you mean `{other}`?"


def _without_a_guess(names: DottedNames, name: str) -> str:
    part = re.split(r"[*?^$|(\[{\\]|\.\.", name)[0]
    held = names.holding(part) if len(part) > 1 else None
    if held:
        why = f"names such as `{held}` contain it" if part == name else "names are no patterns"
        return f"{why}; write `{part}` under `op_partial_names` to select every layer whose name contains it"
    return (
        f"the layers are named {some(names.names)}: `pruneconf show` lists them"
        if names.names
        else "there are no layers"
    )
