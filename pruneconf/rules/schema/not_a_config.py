"""The file holds no list of sub-configs.

## What it does
Reports a file whose root is not a list, and an item of the list that is not a mapping. Where a list of sub-configs
stands further inside, the message names the pointer that leads there.

## Why is this bad?
A pruning config is a list, because the order of its sub-configs matters: the last one that selects a layer decides
everything about it. What is no list of mappings means nothing to a pruner.

## Example
```yaml
config_list:
  - op_types: [Conv2d]
    sparsity_per_layer: 0.5
```

## Use instead
Give the place of the list, `config.yaml#/config_list`, or let the list be the whole file:

```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.keys import KEYS
from pruneconf.document import Mapping, Node, Path, Scalar, Sequence, pointer
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, rule
from pruneconf.rules.context import Context
from pruneconf.rules.schema.values import what


@rule("PC004", "not-a-config", severity=ERROR, needs="schema")
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        node = ctx.document.find(fault.path)
        if fault.path != ctx.reading.path:
            yield _item(ctx, fault.path, node)
        elif isinstance(node, Mapping):
            yield _mapping(ctx, fault.path, node)
        else:
            found = what(ctx, fault.path) if ctx.document.text.strip() else "an empty file"
            help_ = f"write each sub-config as an item, such as {_example(ctx)}"
            yield ctx.finding(fault.path, f"expected a list of sub-configs, found {found}", help=help_)


def _mapping(ctx: Context, path: Path, node: Mapping) -> Finding:
    if any(entry.key.value in KEYS for entry in node.entries):
        message = "expected a list of sub-configs, found a single sub-config"
        help_ = (
            "put it between `[` and `]`"
            if not ctx.document.is_yaml
            else "put `- ` before its first key, indent the others"
        )
        return ctx.finding(path, message, help=help_)
    lists = list(_lists(node, path))
    if not lists:
        help_ = f"write each sub-config as an item, such as {_example(ctx)}"
        return ctx.finding(path, "expected a list of sub-configs, found a mapping", help=help_)
    message = "expected a list of sub-configs, found a mapping with such a list inside"
    places = " or ".join(f"`{ctx.document.name}#{pointer(inner)}`" for inner in lists)
    related = [ctx.label(inner, key=True) for inner in lists[1:]]
    help_ = f"name the place of the list: {places}"
    return ctx.finding(lists[0], message, key=True, help=help_, related=related)


def _lists(node: Node, path: Path) -> Iterator[Path]:
    """Where lists of sub-configs stand below a mapping."""
    if not isinstance(node, Mapping):
        return
    for entry in node.entries:
        here = (*path, str(entry.key.value))
        items = entry.value.items if isinstance(entry.value, Sequence) else ()
        if any(isinstance(item, Mapping) and any(item.get(key) for key in KEYS) for item in items):
            yield here
        yield from _lists(entry.value, here)


def _item(ctx: Context, path: Path, node: Node | None) -> Finding:
    if isinstance(node, Sequence):
        help_ = "remove one pair of brackets" if ctx.document.text[node.start] == "[" else "remove one `- ` of the two"
        return ctx.finding(path, "expected a sub-config, found a list inside the list", help=help_)
    help_ = f"write a mapping such as {_example(ctx)}"
    if isinstance(node, Scalar) and node.value is None:
        help_ = "remove the item, or write its keys"
    return ctx.finding(path, f"expected a sub-config, found {what(ctx, path)}", help=help_)


def _example(ctx: Context) -> str:
    if not ctx.document.is_yaml:
        return '`{"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}`'
    return "`- {op_types: [Conv2d], sparsity_per_layer: 0.5}`"
