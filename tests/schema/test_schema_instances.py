"""Every validator gives every document of `schema/tests` the verdict that its folder names."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import jsonschema_rs
import pytest
from ruamel.yaml import YAML

SUITE = Path(__file__).parents[2] / "schema" / "tests"
FOLDERS = {"valid": True, "invalid": False, "loader/valid": True, "loader/invalid": False}
DOCUMENTS = [(path, verdict) for folder, verdict in FOLDERS.items() for path in sorted((SUITE / folder).iterdir())]

# the codes of the rules whose faults a schema can see
CODES = {f"PC{number:03}" for number in (4, 5, *range(101, 110), 111, 602, 603, 604)}


def load(path):
    return YAML(typ="safe", pure=True).load(path.read_text("utf-8"))


@pytest.mark.parametrize(("path", "verdict"), [pytest.param(*case, id=case[0].stem) for case in DOCUMENTS])
def test_python_validators(path, verdict, config_schema):
    data = load(path)
    assert jsonschema.Draft7Validator(config_schema).is_valid(data) == verdict
    assert jsonschema_rs.Draft7Validator(config_schema).is_valid(data) == verdict


@pytest.mark.parametrize(("folder", "verdict"), FOLDERS.items())
def test_check_jsonschema(folder, verdict):
    files = sorted(str(path) for path in (SUITE / folder).iterdir())
    options = ["--schemafile", str(SUITE.parent / "pruneconf-v1.schema.json"), "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *options, *files], capture_output=True, text=True, check=False
    )
    result = json.loads(done.stdout)
    assert result.get("parse_errors", []) == []
    assert sorted({error["filename"] for error in result.get("errors", [])}) == ([] if verdict else files)
    assert done.returncode == (0 if verdict else 1)


def test_names_of_invalid_documents_begin_with_a_code():
    names = [path.name for path, verdict in DOCUMENTS if not verdict]
    assert [name for name in names if not re.fullmatch(r"PC\d{3}(-[a-z0-9]+)+\.(yaml|json)", name)] == []
    assert {name[:5] for name in names} == CODES
