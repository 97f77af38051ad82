"""Config lists in Python source, from outside: which are found, where faults in them stand, and what is not run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

import pruneconf as api
from tests.conftest import Run

TRAIN = """\
# nobody runs this file
import does_not_exist

raise SystemExit

config_list = [{
    'op_types': ['Con' "v2d"],   # one text in two parts
    "sparsty_per_layer": 0.5,
}, {'op_names': ['é😀', "fc1"], 'exclude': False}]

names = ["conv1"]
pruner = L1NormPruner(model, [{"op_names": names, "sparsity": 0.5}])
pruner = L2NormPruner(model, config_list=[{"op_names": "fc", "sparsity": 1_0, "sparsity": .5}])
optimizer = SGD([{"params": model.parameters(), "lr": 0.1}, {"lr": 1, "lr": 2}])


def coarse():
    return [{'sparse_ratio': -0.5, 'op_types': ('Conv2d',)}]
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    (tmp_path / "good.py").write_text("a = [{'op_types': ['Linear'], 'sparsity_per_layer': 0.5}]\n")
    layers = [{"name": "fc", "type": "Linear", "shape": [8, 4], "dtype": "float32", "parameter": "fc.weight"}]
    head = {"format": 1, "source": "m.py", "type": "Net", "origin": "operators", "parameters": 32, "versions": {}}
    graph = {**head, "sources": {}, "layers": layers, "modules": [], "shared": {}}
    (tmp_path / "net.graph.json").write_text(json.dumps(graph))
    return tmp_path


def test_every_list_is_checked_at_its_place(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    done = pruneconf("lint", "train.py")
    assert done.returncode == 1
    assert done.stdout == snapshot(name="findings")
    assert done.stderr == snapshot(name="notes")


def test_spans_are_those_of_the_source(here: Path, pruneconf: Run) -> None:
    lines = TRAIN.splitlines()
    findings = json.loads(pruneconf("lint", "--format", "json", "train.py").stdout)["findings"]
    marked = {
        found["pointer"]: lines[found["start"]["line"] - 1][found["start"]["column"] - 1 : found["end"]["column"] - 1]
        for found in findings
        if found["start"]["line"] == found["end"]["line"]
    }
    assert marked["/config_list/0/sparsty_per_layer"] == '"sparsty_per_layer"'
    assert marked["/config_list/1/exclude"] == "False"
    assert marked["/config_list.2/0/op_names"] == '"fc"'
    assert marked["/coarse/0/sparse_ratio"] == "'sparse_ratio'"


def test_behind_a_model_python_is_a_config(here: Path, pruneconf: Run) -> None:
    for arguments in (["net.graph.json", "good.py"], ["--model", "net.graph.json", "good.py"]):
        done = pruneconf("lint", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("nothing wrong in 1 file, checked against net.graph.json\n")
    found = pruneconf("lint", "net.graph.json", "train.py#/config_list", "--format", "json")
    assert {"PC101", "PC201", "PC202"} <= {finding["code"] for finding in json.loads(found.stdout)["findings"]}
    assert found.stderr == ""


def test_a_list_in_python_is_planned_and_loaded(here: Path, pruneconf: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pruneconf("show", "net.graph.json", "good.py").returncode == 0
    monkeypatch.chdir(here)
    (here / "good.yaml").write_text("- {op_types: [Linear], sparsity_per_layer: 0.5}\n")
    ours, theirs = api.load("good.py").sub_configs, api.load("good.yaml").sub_configs
    assert [item._replace(path=()) for item in ours] == [item._replace(path=()) for item in theirs]
    with pytest.raises(api.PruneconfError, match=r"name one, `train\.py#/config_list` or"):
        api.load("train.py")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n", "`cfg.py` holds no config list"),
        ("x = [{'op_types': types()}]\n", "`x` is not checked, because `types()` in it is known only when it runs"),
        ("x = [{'op_types': ['a'], **base}]\n", "because `base` in it"),
        ("x = [*rest, {'op_types': ['a']}]\n", "because `*rest` in it"),
        ("x = [{'op_types': [f'a{i}']}]\n", "because `f'a{i}'` in it"),
        ("x = [{'op_types': [b'a'], 'sparsity': 1j}]\n", "because `b'a'` in it"),
        ("x = [{'op_types': ['a'], 'sparsity': 1e-9999}]\n", "because `1e-9999` in it"),
        ("x = [{'op_types': ['\\ud800']}]\n", "because `'\\ud800'` in it"),
        ("x = [{'op_types': " + 80 * "[" + 80 * "]" + "}]\n", "in it is known only when it runs"),
    ],
)
def test_what_cannot_be_read_without_running_it_is_said(here: Path, pruneconf: Run, source: str, message: str) -> None:
    (here / "cfg.py").write_text(source)
    done = pruneconf("lint", "cfg.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.parametrize(
    "source", ["a = [\n", "x = 'é' 1\n", "\tx\n y\n", "a\0b", "(" * 300, "-" * 100_000 + "1", "x = 1" + "0" * 5000]
)
def test_what_is_not_python_is_a_finding(here: Path, pruneconf: Run, source: str) -> None:
    (here / "cfg.py").write_text(source, encoding="utf-8")
    done = pruneconf("lint", "cfg.py")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("error[PC001]")


def test_a_syntax_error_is_shown_where_it_is(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    (here / "cfg.py").write_text("config = [\n    {'é': 1 'op_types': ['Conv2d']},\n]\n", encoding="utf-8")
    assert pruneconf("lint", "cfg.py").stdout.partition(": this is not Python")[0] == "error[PC001] syntax-error"
    assert " --> cfg.py:2:" in pruneconf("lint", "cfg.py").stdout


def test_fixes_are_python_literals(here: Path, pruneconf: Run) -> None:
    shutil.copy(here / "train.py", here / "fixed.py")
    text = TRAIN.replace("'exclude': False", "'sparsity': 0.0").replace('"fc",', "'fc',")
    (here / "fixed.py").write_text(text, encoding="utf-8")
    findings = json.loads(pruneconf("lint", "--format", "json", "fixed.py").stdout)["findings"]
    texts = {found["pointer"]: [edit["text"] for edit in found["fix"]["edits"]] for found in findings if found["fix"]}
    assert texts["/config_list/0/sparsty_per_layer"] == ['"sparsity_per_layer"']
    assert ["'exclude'", "True"] in texts.values()
    assert texts["/config_list.2/0/op_names"] == ['["fc"]']
