"""The JSON Schema of the configs for one model: its layers are what editors offer, explain and accept."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from pruneconf.config.schema import schema_text
from pruneconf.errors import PruneconfError
from pruneconf.graph import Layer, ModelGraph
from pruneconf.graph.schema_file import MARK
from pruneconf.output.offers import Encode, Offer, Schema, snippets, values, values_with_metadata, yaml_text
from pruneconf.plan import Selection

OFFERED = 2_000
"""How many names are offered where nothing else is asked for: beyond, editors take seconds to list them."""
MOST = 10_000
"""How many names can be offered, and are checked, at most: beyond, editors take seconds to open a file."""

FLAVOURS: Mapping[str, Encode] = {"yaml": snippets, "json": values, "jetbrains": values_with_metadata}
"""Who reads the schema: a YAML language server, VS Code for JSON, a JetBrains IDE."""


class MadeFrom(NamedTuple):
    """What a schema is made from: the model as it was named, and the sha256 of its files, relative to the schema."""

    model: str
    sources: Mapping[str, str]


def model_schema(graph: ModelGraph, made_from: MadeFrom, flavour: str = "yaml", most: int = OFFERED) -> Schema:
    """The schema, draft-07, as data. It accepts what the published one accepts, of the layers and types of this model.

    `most` is how many names are offered. Where the model has more than `MOST` layers, their names are not checked;
    where their types are not known, these are not either. Raises PruneconfError for a model without named layers.
    """
    layers = [layer for layer in graph.layers if layer.name]
    if not layers:
        raise PruneconfError(f"`{made_from.model}` has no layer with a name, so that there is nothing to complete")
    schema: Schema = json.loads(schema_text())
    head = {
        "$schema": schema["$schema"],
        MARK: {"model": made_from.model, "for": flavour, "sources": dict(made_from.sources)},
        "title": f"Pruning of {graph.type if graph.is_typed else 'the model'}",
    }
    schema = {**head, **{key: value for key, value in schema.items() if key not in {"$id", *head}}}
    schema["definitions"] |= _definitions(graph, layers, schema["definitions"], FLAVOURS[flavour], most)
    examples = list(_examples(graph, layers, schema["defaultSnippets"]))
    schema["defaultSnippets"] = examples
    if flavour == "json":  # where the snippets of a list have to bring their own brackets, and those of its items not
        schema["defaultSnippets"] = [{**example, "body": [example["body"]]} for example in examples]
        schema["definitions"]["sub_config"]["defaultSnippets"] = examples
    return schema


def model_schema_text(schema: Schema) -> str:
    """A schema as the text of its file: a line for each part of a name, so that changes show."""
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def _definitions(
    graph: ModelGraph, layers: Sequence[Layer], published: Schema, encode: Encode, most: int
) -> dict[str, Schema]:
    selection = Selection(graph)
    called = f"of `{graph.type}`" if graph.is_typed else "of the model"
    names: Collection[str] | None = [layer.name for layer in layers] if len(layers) <= MOST else None
    found = {
        "op_name": encode(
            published["op_name"],
            [_of_layer(layer) for layer in layers[:most]],
            names,
            f"no layer {called} has this name",
        ),
        "op_partial_name": encode(published["op_partial_name"], list(_of_prefixes(layers, most)), None, ""),
    }
    if graph.is_typed:
        types = [*graph.types, *(["default"] if selection.of_type("default") else [])]
        found["op_type"] = encode(
            published["op_type"], list(_of_types(selection)), types, f"no layer {called} has this type"
        )
    return found


def _of_layer(layer: Layer) -> Offer:
    shape = "x".join(map(str, layer.shape)) or "1"
    facts = [f"`{layer.type}` `{shape}`, **{layer.numel:,}** weights"]
    if layer.output:
        facts.append("makes an output of the model")
    if layer.calls == 0:
        facts.append("never called")
    return Offer(layer.name, "; ".join(facts))


def _of_types(selection: Selection) -> Iterator[Offer]:
    for name in selection.graph.types:
        yield Offer(name, _amount(selection.layers(selection.of_type(name))))


def _of_prefixes(layers: Sequence[Layer], most: int) -> Iterator[Offer]:
    """The modules that hold layers, with the dot behind their names: `layer.1` would take `layer.10` along."""
    ends = {layer.name: [place for place, char in enumerate(layer.name, 1) if char == "."] for layer in layers}
    prefixes = dict.fromkeys(name[:end] for name, at in ends.items() for end in at)
    held: dict[str, list[Layer]] = {prefix: [] for prefix in islice(prefixes, most)}
    lengths = {len(prefix) for prefix in held}
    for layer in layers:  # each of them is a text that may stand anywhere in a name, and ends at a dot
        inside = {layer.name[end - length : end] for end in ends[layer.name] for length in lengths if length <= end}
        for prefix in inside & held.keys():
            held[prefix].append(layer)
    return (Offer(prefix, _amount(inside)) for prefix, inside in held.items())


def _amount(layers: Sequence[Layer]) -> str:
    weights = sum({layer.parameter: layer.numel for layer in layers}.values())
    return f"{len(layers):,} layer{'s' * (len(layers) != 1)}, **{weights:,}** weights"


def _examples(graph: ModelGraph, layers: Sequence[Layer], published: Sequence[Schema]) -> Iterator[Schema]:
    """The published snippets for a whole sub-config, with types and names of this model where they have some."""
    words = _words(graph, layers)
    for snippet in published:
        body = {key: _in_words(value, words) for key, value in snippet["body"].items()}
        if [] not in body.values():
            yield {**snippet, "body": body}


def _words(graph: ModelGraph, layers: Sequence[Layer]) -> dict[str, str]:
    """What stands for the example names of the published schema; names that would have to be quoted do not."""
    weights: dict[str, int] = {}
    for layer in layers:
        weights[layer.type] = weights.get(layer.type, 0) + layer.numel
    types = sorted(weights, key=lambda name: -weights[name])[:2] if graph.is_typed else ["Conv2d", "Linear"]
    main = [layer.name for layer in layers if layer.type == types[0] or not graph.is_typed]
    names = [name for name in main if yaml_text(name) == name]
    words = dict(zip(("Conv2d", "Linear"), types, strict=False))
    words |= {"layer1.0.conv1": names[0], "conv1": names[0]} if names else {}
    prefix = next((name[: name.index(".") + 1] for name in names if "." in name), None)
    return words | ({"layer1.": prefix} if prefix else {})


def _in_words(value: Any, words: Mapping[str, str]) -> Any:
    """A value of a snippet, its examples replaced; the items of a list for which there is none are left out."""
    if not isinstance(value, list):
        return value
    examples = ((item, re.fullmatch(r"\$\{(\d+):(.*)\}", item)) for item in value)
    return [f"${{{match[1]}:{words[match[2]]}}}" for _, match in examples if match and match[2] in words]
