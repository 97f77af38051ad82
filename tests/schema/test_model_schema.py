"""The schema for one model takes exactly the configs that the published one takes and whose names the model has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pruneconf.config.schema import schema_text
from pruneconf.errors import PruneconfError
from pruneconf.graph import Layer, ModelGraph
from pruneconf.output.model_schema import FLAVOURS, MOST, MadeFrom, model_schema
from pruneconf.output.offers import yaml_text
from pruneconf.plan.selection import DEFAULT_TYPES
from tests.plan.strategies import TYPES, graphs, sub_configs
from tests.schema.names import ODD

PUBLISHED = jsonschema.Draft7Validator(json.loads(schema_text()))
MADE_FROM = MadeFrom("model.py", {})


def graph_of(names: list[str], **more: Any) -> ModelGraph:
    return ModelGraph(
        "model.py",
        more.pop("type", "Net"),
        tuple(Layer(name, "Linear", (2, 3), "float32", f"{name}.weight") for name in names),
        **more,
    )


def of_model(graph: ModelGraph, config: Any) -> bool:
    """Whether all names and types of a valid config are the model's."""
    names = {layer.name for layer in graph.layers}
    types = {layer.type for layer in graph.layers}
    types |= {"default"} if types & set(DEFAULT_TYPES) else set()
    return all(set(sub.get("op_names", ())) <= names and set(sub.get("op_types", ())) <= types for sub in config)


def mutated(config: list[Any]) -> st.SearchStrategy[Any]:
    """A config, and ones in which something is not as the schema wants it."""
    values = st.sampled_from([0, "", [], ["", 1], True, False, None, 0.5, 1.5, "0.5", "Conv2d", ["Conv2d"], ["0"]])
    keys = st.sampled_from(["op_types", "op_names", "op_partial_names", "exclude", "sparsity", "total_sparsity", "x"])
    changed = st.tuples(st.sampled_from(config), keys, values).map(lambda case: [{**case[0], case[1]: case[2]}])
    return (
        st.one_of(st.just(config), changed, values.map(lambda value: [*config, value])) if config else st.just(config)
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[ModelGraph, Any]:
    graph = draw(graphs())
    return graph, draw(st.lists(sub_configs(graph), max_size=3).flatmap(mutated))


@settings(max_examples=150)
@given(cases(), st.integers(1, 30), st.sampled_from(list(FLAVOURS)))
def test_it_takes_what_the_published_schema_takes_of_this_model(case: Any, most: int, flavour: str) -> None:
    graph, config = case
    if not graph.layers:
        with pytest.raises(PruneconfError, match="has no layer with a name"):
            model_schema(graph, MADE_FROM, flavour, most)
        return
    validator = jsonschema.Draft7Validator(model_schema(graph, MADE_FROM, flavour, most))
    expected = PUBLISHED.is_valid(config) and of_model(graph, config)
    assert validator.is_valid(config) == expected


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from nodes(child)


@pytest.mark.parametrize("flavour", FLAVOURS)
@settings(max_examples=20)
@given(graph=graphs().filter(lambda graph: graph.layers))
def test_it_is_draft_07_and_its_snippets_are_configs_for_the_model(flavour: str, graph: ModelGraph) -> None:
    schema = model_schema(graph, MADE_FROM, flavour)
    jsonschema.Draft7Validator.check_schema(schema)
    used = {node["$ref"].rpartition("/")[2] for node in nodes(schema) if "$ref" in node}
    assert used == set(schema["definitions"])
    validator = jsonschema.Draft7Validator(schema)
    for snippet in schema["defaultSnippets"]:
        bare = re.sub(r'"\^\$\{\d+:([^}]*)\}"', r"\1", json.dumps(snippet["body"]))
        body = json.loads(re.sub(r"\$\{\d+:([^}]*)\}", r"\1", bare))
        assert list(validator.iter_errors(body if flavour == "json" else [body])) == []


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("form", ["- {}", "- [{}, {}]", "- k: {}"])
def test_what_is_inserted_reads_back(name: str, form: str) -> None:
    """In YAML 1.2, and in 1.1, as PyYAML reads it."""
    text = form.replace("{}", yaml_text(name))
    for version in ("1.1", "1.2"):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        (read,) = yaml.load(text)
        found = read if isinstance(read, list) else list(read.values()) if isinstance(read, dict) else [read]
        assert set(found) == {name}


def test_odd_names_are_checked_and_explained() -> None:
    """Patterns that explain a name match just that one, as ECMAScript too reads them."""
    schema = model_schema(graph_of(ODD), MADE_FROM)
    definition = schema["definitions"]["op_name"]
    validator = jsonschema.Draft7Validator(schema)
    assert validator.is_valid([{"op_names": ODD, "sparsity_per_layer": 0.5}])
    for name in ODD:
        matching = [
            hover["then"]["markdownDescription"]
            for bundle in definition["else"]["allOf"]
            if jsonschema.Draft7Validator(bundle["if"]).is_valid(name)
            for hover in bundle["then"]["allOf"]
            if jsonschema.Draft7Validator(hover["if"]).is_valid(name)
        ]
        assert matching == [f"`{name}`\n\n`Linear` `2x3`, **6** weights"]


def test_more_layers_than_can_be_checked() -> None:
    graph = graph_of([f"layers.{i}" for i in range(MOST + 1)])
    for flavour in FLAVOURS:
        validator = jsonschema.Draft7Validator(model_schema(graph, MADE_FROM, flavour, 10))
        assert validator.is_valid([{"op_names": [f"layers.{MOST}"], "exclude": True}])
        assert validator.is_valid([{"op_names": ["unknown"], "exclude": True}])
        assert not validator.is_valid([{"op_types": ["unknown"], "exclude": True}])


def test_of_a_checkpoint_only_the_names_are_known() -> None:
    validator = jsonschema.Draft7Validator(model_schema(graph_of(["a.b"], type="?"), MADE_FROM))
    assert validator.is_valid([{"op_types": TYPES, "op_names": ["a.b"], "exclude": True}])
    assert not validator.is_valid([{"op_names": ["a.c"], "exclude": True}])


def test_a_model_that_is_a_layer_has_no_name_to_complete() -> None:
    with pytest.raises(PruneconfError, match="has no layer with a name"):
        model_schema(graph_of([""]), MADE_FROM)
