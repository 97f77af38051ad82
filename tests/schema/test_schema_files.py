"""All published schemas: they are draft-07, versioned, described, closed, and ship in the wheel."""

import json
import zipfile

import jsonschema
import jsonschema_rs
import pytest

from pruneconf.config.schema import schema_text

URL = "https://pruneconf.github.io/pruneconf/schema"
SHA = "0" * 64
PLACE = {"start": {"line": 3, "column": 9}, "end": {"line": 3, "column": 22}}

GRAPH = {
    "$schema": f"{URL}/graph-v1.schema.json",
    "format": 1,
    "source": "model.py",
    "type": "ResNet",
    "origin": "modules",
    "parameters": 11689512,
    "versions": {"pruneconf": "0.1.0", "torch": "2.13.0"},
    "sources": {"model.py": SHA},
    "layers": [
        {"name": "conv1", "type": "Conv2d", "shape": [64, 3, 7, 7], "dtype": "float32", "parameter": "conv1.weight"},
        {"name": "", "type": "Scale", "shape": [], "dtype": "bfloat16", "parameter": "weight", "aliases": ["again"]},
    ],
    "modules": [
        {"name": "layer1", "type": "Sequential", "weight": "none", "children": 4},
        {"name": "lstm", "type": "LSTM", "weight": "computed", "children": 0, "aliases": ["rnn"]},
    ],
    "shared": {"embed.weight": ["head.weight"]},
    "inputs": "`1x3x224x224` from `example_inputs`",
    "missing": [],
    "unreachable": [["attn.in_proj_weight", [24, 8], "MultiheadAttention"]],
    "couplings": [
        {
            "units": 64,
            "joins": [["add", "model.py:31"]],
            "limits": [["group-norm", 8, "norm"]],
            "pins": [["input", ""]],
            "members": [["conv1", "out", 0, 64], ["fc", "in", 1, 3136, 0, 49, 49]],
        }
    ],
}
FINDINGS = {
    "format": 1,
    "findings": [
        {
            "code": "PC201",
            "rule": "unknown-op-name",
            "severity": "error",
            "message": "no layer is named `layr1.0.conv1`",
            "file": "cfg.yaml",
            "pointer": "/0/op_names/1",
            **PLACE,
            "layers": [],
            "help": "did you mean `layer1.0.conv1`?",
            "related": [{"message": "", "file": "cfg.yaml", "pointer": "/1", **PLACE}],
            "fix": {
                "title": "replace with `layer1.0.conv1`",
                "safe": False,
                "edits": [{**PLACE, "text": "layer1.0.conv1"}],
            },
            "url": "https://pruneconf.github.io/pruneconf/rules/unknown-op-name/",
        },
        {
            "code": "PC005",
            "rule": "yaml-1.1-boolean",
            "severity": "warning",
            "message": "…",
            "file": "-",
            "pointer": "",
            **PLACE,
            "layers": ["fc"],
            "help": None,
            "related": [],
            "fix": None,
            "url": "https://pruneconf.github.io/pruneconf/rules/yaml-1.1-boolean/",
        },
    ],
    "summary": {"files": 1, "errors": 1, "warnings": 1, "infos": 0, "suppressed": 0, "fixable": 1},
}
TOTALS = {"numel": 36864, "masked": 29491, "sparsity": 0.8}
GROUP = {"sub_config": 0, "layers": ["conv1"], "numel": 1500, "ratio": "0.8", "masked": 1200}
PLAN = {
    "format": 1,
    "pruner": "l1",
    "coupled": True,
    "model": {"source": "model.py", "layers": 3, "parameters": 11689512},
    "layers": [
        {
            "name": "conv1",
            "type": "Conv2d",
            "shape": [64, 64, 3, 3],
            "numel": 36864,
            "decided_by": 1,
            "selected_by": [0, 1],
            "action": "prune",
            "ratio": "0.8",
            "masked": None,
            "channels": 64,
            "masked_channels": None,
            "held": "coupled with `conv2`, which is excluded",
        },
        {
            "name": "fc",
            "type": "Linear",
            "shape": [0, 4],
            "numel": 0,
            "decided_by": None,
            "selected_by": [],
            "action": "none",
            "ratio": None,
            "masked": 0,
            "channels": None,
            "masked_channels": None,
            "held": None,
        },
    ],
    "groups": [
        {**GROUP, "cap": "0.9", "max_masked": {"conv1": 1350}},
        {**GROUP, "cap": None, "max_masked": {}},
    ],
    "totals": TOTALS,
}
REPORT = {
    "format": 1,
    "pruner": "level",
    "config": "cfg.yaml",
    "layers": [
        {
            "name": "conv1",
            "parameter": "conv1.weight",
            "numel": 36864,
            "masked": 29491,
            "sparsity": 0.8,
            "decided_by": 0,
            "threshold": 0.0123,
        },
        {
            "name": "fc",
            "parameter": "fc.weight",
            "numel": 10,
            "masked": 0,
            "sparsity": 0.0,
            "decided_by": None,
            "threshold": None,
        },
    ],
    "groups": [{**GROUP, "cap": "0.9"}, {**GROUP, "cap": None}],
    "totals": TOTALS,
    "inputs": {"model.py": SHA},
    "outputs": {"model.safetensors": SHA, "masks.safetensors": SHA},
    "versions": {"pruneconf": "0.1.0"},
    "coupled": False,
    "seed": None,
    "compact": {
        "parameters": 36874,
        "compact_parameters": 7383,
        "difference": 1e-07,
        "left": {"fc": "it does not run"},
    },
}
SAMPLES = {"graph": GRAPH, "findings": FINDINGS, "plan": PLAN, "report": REPORT}


def nodes(node):
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from nodes(child)


def test_meta_schema(schema):
    jsonschema.Draft7Validator.check_schema(schema)
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_head(schema, folder):
    file = folder / schema["$id"].rpartition("/")[2]
    assert schema["$id"] == f"{URL}/{file.name}"
    assert json.loads(file.read_text("utf-8")) == schema
    assert schema["title"]
    assert schema["description"]


def test_objects_are_closed(schema):
    assert [node for node in nodes(schema) if "properties" in node and node.get("additionalProperties") != False] == []  # noqa: E712


@pytest.mark.parametrize("name", SAMPLES)
def test_every_key_is_required_but_those_with_a_plain_default(name):
    objects = [node for node in nodes(json.loads(schema_text(name))) if "properties" in node]
    optional = [key for node in objects for key in node["properties"] if key not in node["required"]]
    assert set(optional) <= {"aliases", "bases", "calls", "output", "axes", "joins", "limits", "pins", "couplings"}


def test_every_definition_is_used(schema):
    used = {node["$ref"] for node in nodes(schema) if "$ref" in node}
    assert used == {f"#/definitions/{name}" for name in schema["definitions"]}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_key_is_described(name):
    schema = json.loads(schema_text(name))
    properties = [(key, value) for node in nodes(schema) for key, value in node.get("properties", {}).items()]
    described = [
        schema["definitions"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value for _, value in properties
    ]
    assert [key for (key, _), value in zip(properties, described, strict=True) if not value.get("description")] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_is_valid(name):
    jsonschema.validate(SAMPLES[name], json.loads(schema_text(name)))


def test_wheel_holds_the_schemas_and_not_their_tests(folder, tmp_path):
    build = pytest.importorskip("hatchling.builders.wheel")
    (wheel,) = build.WheelBuilder(str(folder.parent)).build(directory=str(tmp_path), versions=["standard"])
    shipped = {
        name.rpartition("/")[2] for name in zipfile.ZipFile(wheel).namelist() if name.startswith("pruneconf/schema/")
    }
    assert shipped == {path.name for path in folder.glob("*.schema.json")}
