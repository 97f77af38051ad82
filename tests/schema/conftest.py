"""The published schemas, as the tests here read them."""

import json
from pathlib import Path

import pytest

from pruneconf.config.schema import schema_text


@pytest.fixture(scope="session")
def folder():
    return Path(__file__).parents[2] / "schema"


@pytest.fixture(scope="session")
def config_schema():
    return json.loads(schema_text())


@pytest.fixture(scope="session", params=["pruneconf", "graph", "findings", "plan", "report"])
def schema(request):
    return json.loads(schema_text(request.param))
