"""An `op_partial_names` entry also matches in the middle of longer names.

## What it does
Reports an entry that is exactly part of a path in some layer names, but is cut out of a longer segment in others:
`layer.1` matches `layer.1.dense`, and `layer.10.dense` too. An entry that ends in no number and has no dot, such as
`conv` in `conv1`, is taken as meant; so are matches that another entry of the same sub-config selects anyway.

## Why is this bad?
A partial name is compared as plain text, wherever it stands. `layer.1` in a model of 12 blocks selects three of them.

## Example
```layers
layer.0.dense Linear 64x64
layer.1.dense Linear 64x64
layer.10.dense Linear 64x64
layer.11.dense Linear 64x64
```
```yaml
- op_partial_names: [layer.1]
  op_types: [Linear]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_partial_names: [layer.1.]
  op_types: [Linear]
  sparsity_per_layer: 0.5
```

## Fix safety
Unsafe: it ends the name with a dot, so that fewer layers are selected. There is a fix where that keeps all the layers
in which the name is a path of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pruneconf.findings import Finding
from pruneconf.plan import LayerSet, bits
from pruneconf.rules.base import UNSAFE, WARNING, rule
from pruneconf.rules.context import Context, Item
from pruneconf.rules.words import counted, some


@rule("PC208", "partial-name-overmatch", severity=WARNING, needs="model", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    text = "\n".join(ctx.graph.by_name)
    for item in ctx.items("op_partial_names"):
        part, longer = re.escape(item.value), _goes_on(item.value)
        if not longer or not re.search(f"{part}(?={longer})", text):
            continue
        selected = ctx.selection.of_partial_name(item.value) & ctx.selection.of(item.sub_config)
        alone = _matching(ctx, selected, rf"{part}(?=\.|$)")
        cut = selected & ~_matching(ctx, selected, f"{part}(?!{longer})") & ~_of_others(ctx, item)
        if alone and cut:
            yield _finding(ctx, item, alone, cut)


def _goes_on(partial: str) -> str | None:
    """What may not follow `partial` where it was meant as a path or a number: the rest of a segment, another digit."""
    if "." in partial[:-1] and not partial.endswith("."):
        return r"[^.\n]"
    return r"\d" if partial[-1:].isdecimal() else None


def _matching(ctx: Context, layers: LayerSet, pattern: str) -> LayerSet:
    search = re.compile(pattern).search
    return sum(1 << i for i in bits(layers) if search(ctx.graph.layers[i].name))


def _of_others(ctx: Context, item: Item) -> LayerSet:
    """The layers that other entries of the sub-config name."""
    found = ctx.selection.of_names(item.sub_config.op_names or ())
    for other in item.sub_config.op_partial_names or ():
        if other != item.value:
            found |= ctx.selection.of_partial_name(other)
    return found


def _finding(ctx: Context, item: Item, alone: LayerSet, cut: LayerSet) -> Finding:
    names = [layer.name for layer in ctx.selection.layers(cut)]
    longer = re.compile(re.escape(item.value) + r"[^.]+")
    segments = list(dict.fromkeys(match.group() for name in names if (match := longer.search(name))))
    dotted = f"{item.value}."
    exact = not alone & ~ctx.selection.of_partial_name(dotted)
    return ctx.finding(
        item.path,
        f"`{item.value}` also matches {some(segments)} ({counted(len(names), 'layer')})",
        help=f"write `{dotted}` to end the name there" if exact else "list the layers that you mean under `op_names`",
        layers=names,
        fix=ctx.replace(item.path, dotted, safe=False) if exact else None,
    )
