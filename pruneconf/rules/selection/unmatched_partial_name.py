"""An `op_partial_names` entry is part of no layer name.

## What it does
Looks for each entry of `op_partial_names` in the names of the layers. Where none contains it, it says which part of a
name was most likely meant, or what does contain it: modules that have no weight, or the further names of a layer.

## Why is this bad?
The entry selects nothing. It is compared as plain text: `*`, `^` and other signs of patterns stand for themselves.

## Example
```layers
encoder.layer.0.attention.query Linear 64x64
encoder.layer.0.output.dense Linear 64x64
```
```yaml
- op_partial_names: [encoder.layers.]
  op_types: [Linear]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_partial_names: [encoder.layer.]
  op_types: [Linear]
  sparsity_per_layer: 0.5
```

## Fix safety
Unsafe: it writes the part of a name that was most likely meant, where there is just one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from pruneconf.findings import Finding
from pruneconf.graph import ModelGraph
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context
from pruneconf.rules.structure.computed import computed_names
from pruneconf.suggest import DottedNames, did_you_mean, unwrap

_SHOW = "`pruneconf show` lists the names of the layers"


@rule("PC203", "unmatched-partial-name", severity=ERROR, needs="model", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    matches = ctx.selection.of_partial_name
    runs = cache(lambda length: DottedNames(_runs(ctx.graph, length)))
    computed = computed_names(ctx.graph)
    others = "\n".join((*ctx.graph.by_alias, *ctx.graph.modules_by_name))
    for item in ctx.items("op_partial_names"):
        part = item.value
        if not part or matches(part) or part in computed:
            continue
        plain = next(filter(matches, _without_signs(part)), None)
        meant = [plain] if plain else list(filter(matches, _near(runs, part)))
        advice = did_you_mean(meant) or (_elsewhere(ctx.graph, part) if part in others else _SHOW)
        if plain:
            advice += " patterns are not read: this is compared as plain text"
        fix = ctx.replace(item.path, meant[0], safe=False) if len(meant) == 1 else None
        yield ctx.finding(item.path, f"no layer name contains `{part}`", help=advice, fix=fix)


def _without_signs(part: str) -> Iterator[str]:
    """What a pattern says as plain text: read as a glob, as a regular expression."""
    for signs in (r"\*|[\^$]|\\(?=\.)", r"\.?\*|[\^$]|\\(?=\.)"):
        text = re.sub(signs, "", part)
        if text and text != part:
            yield text


def _near(runs: Callable[[int], DottedNames], part: str) -> list[str]:
    """Parts of names with as many segments, with the dots at the ends that `part` has; without a wrapper's prefix."""
    inner = unwrap(part)
    core = inner.strip(".")
    before, after = inner[: len(inner) - len(inner.lstrip("."))], inner[len(inner.rstrip(".")) :]
    return [f"{before}{other}{after}" for other in runs(core.count(".") + 1).near(core)] if core else []


def _runs(graph: ModelGraph, length: int) -> list[str]:
    """Every run of `length` neighbouring segments in a layer name, each once."""
    split = (name.split(".") for name in graph.by_name)
    runs = (".".join(segments[i : i + length]) for segments in split for i in range(len(segments) - length + 1))
    return list(dict.fromkeys(runs))


def _elsewhere(graph: ModelGraph, part: str) -> str:
    for alias, layer in graph.by_alias.items():
        if part in alias:
            return f"only `{alias}` does, a further name of `{layer.name}`: only the first name selects"
    for name, module in graph.modules_by_name.items():
        if part in name:
            return f"only modules without a weight of their own do, such as `{name}` ({module.type})"
    return _SHOW
