"""What editors show: every key is explained by an example that is itself a valid config, every snippet is one."""

import json
import re

import jsonschema
import pytest
from ruamel.yaml import YAML

KEYS = [
    "op_types",
    "op_names",
    "op_partial_names",
    "sparsity_per_layer",
    "total_sparsity",
    "max_sparsity_per_layer",
    "exclude",
    "sparsity",
]


def examples(schema):
    fenced = re.findall(r"```yaml\n(.*?)\n```", schema["markdownDescription"], re.DOTALL)
    return [YAML(typ="safe", pure=True).load(text) for text in fenced]


def expanded(body):
    """A snippet as it stands in the file when its placeholders are accepted."""
    text = re.sub(r'"\^\$\{\d+:([^}]*)\}"', r"\1", json.dumps(body))
    return json.loads(re.sub(r"\$\{\d+:([^}]*)\}", r"\1", text))


def branches(schema):
    return {name: part for name, part in schema["definitions"].items() if "additionalProperties" in part}


def test_branches_know_these_keys_only(config_schema):
    used = [key for branch in branches(config_schema).values() for key in branch["properties"]]
    assert sorted(set(used)) == sorted(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_explained_by_a_valid_example(key, config_schema):
    definition = config_schema["definitions"][key]
    assert definition["description"]
    assert definition["errorMessage"]
    validator = jsonschema.Draft7Validator(config_schema)
    found = examples(definition)
    assert found
    assert [list(validator.iter_errors(config)) for config in found] == [[] for _ in found]
    shown = "sparsity_per_layer" if key == "sparsity" else key
    assert any(shown in sub_config for config in found for sub_config in config)


def test_texts_stand_where_every_editor_reads_them(config_schema):
    """Beside a `$ref`, draft-07 has nothing else: a text there would be shown by some editors and not by others."""

    def references(node):
        if isinstance(node, dict):
            yield from [node] if "$ref" in node else []
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from references(child)

    assert [reference for reference in references(config_schema) if len(reference) > 1] == []


def test_plain_descriptions_carry_no_markdown(config_schema):
    texts = [part.get("description", "") for part in (config_schema, *config_schema["definitions"].values())]
    assert [text for text in texts if "`" in text or "**" in text] == []


def test_the_deprecated_key_is_not_offered(config_schema):
    deprecated = config_schema["definitions"]["sparsity"]
    assert (deprecated["deprecated"], deprecated["doNotSuggest"]) == (True, True)
    assert "Deprecated" in deprecated["markdownDescription"]


def test_every_snippet_is_a_valid_sub_config(config_schema):
    snippets = config_schema["defaultSnippets"]
    validator = jsonschema.Draft7Validator(config_schema)
    bodies = [expanded(snippet["body"]) for snippet in snippets]
    assert [list(validator.iter_errors([body])) for body in bodies] == [[] for _ in bodies]
    assert len({snippet["label"] for snippet in snippets}) == len(snippets)
