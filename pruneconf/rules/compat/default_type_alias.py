"""`default` hides which layer types are pruned.

## What it does
Reports `default` under `op_types` and names the types of this model that it stands for. The alias stands for Conv1d,
Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, Linear, Bilinear, PReLU, Embedding and EmbeddingBag.

## Why is this bad?
It works, but it takes in more than most readers think of: the classifier, the embeddings and the slopes of PReLU.
NNI's L1, L2 and FPGM pruners reject it.

## Example
```layers
conv1 Conv2d 16x3x3x3
relu ReLU -
fc Linear 10x16
```
```yaml
- op_types: [default]
  sparsity_per_layer: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
```

## Fix safety
Safe: it writes the types of the alias that this model has, so the same layers are selected.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding, Fix
from pruneconf.plan.selection import DEFAULT_TYPES
from pruneconf.rules.base import SAFE, WARNING, rule
from pruneconf.rules.context import Context, Item
from pruneconf.rules.schema.conflicts import listed
from pruneconf.rules.schema.values import rewrite


@rule("PC605", "default-type-alias", severity=WARNING, needs="model", fix=SAFE)
def check(ctx: Context) -> Iterator[Finding]:
    present = [op_type for op_type in ctx.graph.types if op_type in DEFAULT_TYPES]
    for item in ctx.items("op_types"):
        if item.value == "default" and present:
            message = f"`default` stands for {listed(present)} in this model"
            fix = _spell_out(ctx, item, present)
            yield ctx.finding(item.path, message, help="write the types that you mean", fix=fix)


def _spell_out(ctx: Context, item: Item, present: list[str]) -> Fix | None:
    from pruneconf.document.edits import line_break

    types = [op_type for op_type in present if op_type not in (item.sub_config.op_types or ())]
    place = ctx.label(item.path)
    text, column = ctx.document.text, ctx.document.position(place.start).column
    head = text[place.start - column + 1 : place.start]
    if not types:
        return None
    quote = '"' if not ctx.document.is_yaml else ""
    comma = line_break(text, place.start) + head if head.strip() == "-" else ", "
    return rewrite(ctx, item.path, comma.join(f"{quote}{op_type}{quote}" for op_type in types), safe=True)
