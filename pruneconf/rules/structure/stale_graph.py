"""The graph file, or the schema that the config names, is older than the model that it was made from.

## What it does
Compares the digests that a graph file holds of the sources of its model with these files, where they are there. The
same for a schema of one model (`pruneconf schema --model`) that a comment of the config names for editors. It is
reported once for each config that is checked against the graph, or names the schema.

## Why is this bad?
The layers that the config names may be gone or have another size, and all that is said about them here is about a
model that no longer is. An editor completes and accepts the names of that model.

## Example
```layers
conv1 Conv2d 16x3x3x3
changed model.py
```
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Use instead
Write the graph anew with `pruneconf trace`, the schema with `pruneconf schema`.
```layers
conv1 Conv2d 16x3x3x3
```
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.findings import Finding, Label
from pruneconf.graph.schema_file import stale_schema
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.words import some


@rule("PC903", "stale-graph", severity=WARNING, needs="model")
def check(ctx: Context) -> Iterator[Finding]:
    if ctx.selection_or_none and ctx.graph.changed:
        yield ctx.finding(
            ctx.reading.path,
            f"the graph of the model is out of date: {some(ctx.graph.changed)} has changed since",
            help=f"write it anew: `pruneconf trace {ctx.graph.source}`",
        )
    document = ctx.document
    schema = None if document.is_json else stale_schema(document.name, document.text)
    if schema:
        yield ctx.finding(
            ctx.reading.path,
            f"the schema for editors is out of date: {some(schema.changed)} has changed since",
            help=f"write it anew: `pruneconf schema --model {schema.model} --for {schema.flavour} -o {schema.path}`",
            related=[Label(document, "", schema.line.start, schema.line.end, "named here")],
        )
