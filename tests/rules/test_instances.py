"""The rules say of every document of the schema's own test suite what its name says."""

from pathlib import Path

import pytest

from pruneconf.findings import Severity

SUITE = Path(__file__).parents[2] / "schema" / "tests"


def documents(verdict):
    paths = sorted([*(SUITE / verdict).iterdir(), *(SUITE / "loader" / verdict).iterdir()])
    return [pytest.param(path, id=path.stem) for path in paths]


def errors(found):
    return [finding.rule.code for finding in found if finding.severity is Severity.ERROR]


@pytest.mark.parametrize("path", documents("invalid"))
def test_invalid(path, findings):
    assert errors(findings(path.read_bytes(), name=path.name)) == [path.name[:5]]


@pytest.mark.parametrize("path", documents("invalid"))
def test_what_is_shown(path, shown, snapshot):
    assert shown(path.read_bytes(), name=path.name) == snapshot


@pytest.mark.parametrize("path", documents("valid"))
def test_valid(path, findings):
    assert errors(findings(path.read_bytes(), name=path.name)) == []
