"""`[tool.pruneconf]` in pyproject.toml."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from syrupy.assertion import SnapshotAssertion

from pruneconf.config.schema import schema_text
from pruneconf.errors import PruneconfError
from pruneconf.settings.reader import table
from tests.conftest import Run

OLD = "- op_types: [Conv2d]\n  sparsity: 0.5\n"
UNKNOWN = "- op_names: [conv11]\n  sparsity_per_layer: 0.5\n"
SCHEMA = Draft7Validator(json.loads(schema_text("settings")))


def write(here: Path, settings: str) -> None:
    (here / "pyproject.toml").write_text(f"[project]\nname = 'x'\n\n[tool.pruneconf]\n{settings}")


def test_the_model_need_not_be_named(here: Path, pruneconf: Run) -> None:
    write(here, 'model = "net.graph.json"\n')
    done = pruneconf("lint", "cfg.yaml")
    assert done.stdout.startswith("nothing wrong in 1 file, checked against net.graph.json\n")


def test_paths_start_at_the_file_from_a_folder_below_too(here: Path, pruneconf: Run) -> None:
    write(here, 'model = "net.graph.json"\n')
    (here / "below").mkdir()
    done = pruneconf("lint", "../cfg.yaml", cwd=here / "below")
    assert done.stdout.startswith("nothing wrong in 1 file, checked against ../net.graph.json\n")


def test_the_command_line_has_the_last_word(here: Path, pruneconf: Run) -> None:
    write(here, 'model = "gone.graph.json"\nselect = ["PC101"]\n')
    (here / "bad.yaml").write_text(UNKNOWN)
    assert pruneconf("lint", "net.graph.json", "bad.yaml").returncode == 0
    assert pruneconf("lint", "--select", "PC2", "net.graph.json", "bad.yaml").returncode == 1


@pytest.mark.parametrize("table", ["[ tool.pruneconf ]\n", "[tool]\npruneconf.", "tool.pruneconf."])
def test_every_spelling_of_the_table_counts(here: Path, pruneconf: Run, table: str) -> None:
    (here / "pyproject.toml").write_text(f'{table}ignore = ["PC601"]\n')
    (here / "old.yaml").write_text(OLD)
    assert pruneconf("lint", "old.yaml").stdout.startswith("nothing wrong")
    assert pruneconf("lint", "--select", "PC6", "old.yaml").stdout.startswith("warning[PC601]")


def test_without_arguments_the_files_of_the_project_are_checked(here: Path, pruneconf: Run) -> None:
    write(here, 'files = ["configs/*.yml"]\n')
    (here / "configs").mkdir()
    (here / "configs" / "a.yml").write_text(OLD)
    done = pruneconf("lint", "--format", "github")
    assert done.stdout.count("\n") == 1
    assert "file=configs/a.yml" in done.stdout


def test_severities_and_ignores(here: Path, pruneconf: Run) -> None:
    write(here, 'severity = {deprecated-key = "error"}\n[tool.pruneconf.per-file-ignores]\n"old/*" = ["PC601"]\n')
    (here / "old").mkdir()
    (here / "old" / "a.yaml").write_text(OLD)
    (here / "b.yaml").write_text(OLD)
    assert pruneconf("lint", "old/a.yaml").stdout.startswith("nothing wrong")
    done = pruneconf("lint", "b.yaml")
    assert done.returncode == 1
    assert done.stdout.startswith("error[PC601]")


def test_apply_takes_errors_as_the_project_does(here: Path, pruneconf: Run) -> None:
    write(here, '[tool.pruneconf.severity]\nPC201 = "warning"\n')
    (here / "some.yaml").write_text("- op_names: [conv1, conv11]\n  sparsity_per_layer: 0.5\n")
    assert pruneconf("show", "net.graph.json", "some.yaml").returncode == 0


def test_many_models_in_one_project(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    other = json.loads((here / "net.graph.json").read_text())
    other["layers"] = [{**layer, "name": f"b_{layer['name']}"} for layer in other["layers"]]
    (here / "other.graph.json").write_text(json.dumps(other))
    write(
        here,
        'model = "net.graph.json"\n\n[tool.pruneconf.per-file-model]\n"other/*.yaml" = "other.graph.json"\n',
    )
    (here / "other").mkdir()
    (here / "other" / "cfg.yaml").write_text("- op_names: [conv1]\n  sparsity_per_layer: 0.5\n")
    done = pruneconf("lint", "cfg.yaml", "other/cfg.yaml")
    assert done.returncode == 1
    assert done.stdout == snapshot


@pytest.mark.parametrize(
    "settings",
    [
        'modle = "net.py"',
        "frobnicate = 1",
        "model = 3",
        'select = "PC1"',
        'select = [\n  "PC1",\n  # twice wrong\n  "PC999",\n  "unknown-op-nam",\n]',
        'pruner = "l3"',
        "files = []",
        'files = [\n  "configs/*.yaml",\n  "/etc/*.yaml",\n  "../*",\n]',
        'severity = {PC101 = "fatal"}',
        '[tool.pruneconf.severity]\nPC101 = "info"\nPC999 = "error"',
        'select = ["PC1"]\nignore = ["PC101", "PC2"]',
        'ignore = ["PC1"]\n\n[tool.pruneconf.per-file-ignores]\n"a*.yaml" = ["PC101", "PC301"]',
        'select = ["PC101"]\nignore = ["PC1"]',
        'select = ["PC101"',
        'ignore = ["PC1"]\n[tool]\npruneconf = 3',
    ],
)
def test_what_is_wrong_is_said_at_its_line(
    here: Path, pruneconf: Run, settings: str, snapshot: SnapshotAssertion
) -> None:
    write(here, settings)
    done = pruneconf("lint", "cfg.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == snapshot


TEXT = st.sampled_from(["", "net.py", "PC101", "warning", "l1"])
VALUE = TEXT | st.integers() | st.lists(TEXT | st.booleans(), max_size=2)
TABLES = st.dictionaries(
    st.sampled_from([*json.loads(schema_text("settings"))["properties"], "modle"]),
    VALUE | st.dictionaries(st.sampled_from(["a", "PC101"]), VALUE, max_size=2),
    max_size=3,
)


@given(TABLES)
def test_the_published_schema_refuses_nothing_that_is_read(found: dict[str, object]) -> None:
    text = "[tool]\npruneconf = " + toml(found)
    try:
        table(text, "pyproject.toml")
    except PruneconfError:
        return
    assert SCHEMA.is_valid(found)


@given(TABLES)
def test_what_the_schema_refuses_is_named(found: dict[str, object]) -> None:
    if not SCHEMA.is_valid(found):
        with pytest.raises(PruneconfError):
            table("[tool]\npruneconf = " + toml(found), "pyproject.toml")


def toml(value: object) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)
