"""A model that has not changed is not run again, and no torch is imported; one that has changed is run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pruneconf import remembered
from pruneconf.tracing import cache
from tests.conftest import Run

MODEL = """\
import json
from torch import nn
from helper import width

open("runs.txt", "a").write("x")
try:
    depth = json.load(open("depth.json"))
except FileNotFoundError:
    depth = 1
model = nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))
"""
CONFIG = "- op_types: [Linear]\n  sparsity_per_layer: 0.5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model that counts its runs in runs.txt, a config, and an empty folder `first`."""
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "helper.py").write_text("width = 4\n")
    (tmp_path / "cfg.yaml").write_text(CONFIG)
    (tmp_path / "first").mkdir()
    return tmp_path


def entries(folder: Path) -> list[Path]:
    return sorted((folder / ".pruneconf_cache").glob("*.json"))


def runs(folder: Path) -> int:
    return len((folder / "runs.txt").read_text())


def shapes(folder: Path, pruneconf: Run, *options: str) -> list[list[int]]:
    done = pruneconf("show", "model.py", "cfg.yaml", "--format", "json", *options, PYTHONPATH=path(folder))
    assert done.returncode == 0, done.stderr
    return [layer["shape"] for layer in json.loads(done.stdout)["layers"]]


def path(folder: Path) -> str:
    """A search path on which the folder `first` comes first."""
    return os.pathsep.join(filter(None, [str(folder / "first"), os.environ.get("PYTHONPATH", "")]))


def test_the_second_time_nothing_runs(folder: Path, pruneconf: Run) -> None:
    (folder / "model.py").write_text(MODEL + "model.forward = lambda: 1 / 0\n")
    first = pruneconf("lint", "model.py", "cfg.yaml", PYTHONPATH=path(folder))
    (folder / "first" / "torch.py").write_text("raise ImportError('torch must not be imported')\n")
    again = pruneconf("lint", "model.py", "cfg.yaml", PYTHONPATH=path(folder))
    assert "the forward pass" in first.stderr
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, first.stderr)
    assert shapes(folder, pruneconf) == [[4, 4]]
    assert runs(folder) == 1
    assert (folder / ".pruneconf_cache" / ".gitignore").read_text() == "*\n"


def test_whatever_was_read_counts(folder: Path, pruneconf: Run) -> None:
    assert shapes(folder, pruneconf) == [[4, 4]]
    (folder / "helper.py").write_text("width = 8\n")
    assert shapes(folder, pruneconf) == [[8, 8]]
    (folder / "depth.json").write_text("2")
    assert shapes(folder, pruneconf) == [[8, 8]] * 2
    assert shapes(folder, pruneconf, "--input", "1,8") == [[8, 8]] * 2
    assert runs(folder) == 4
    assert shapes(folder, pruneconf) == [[8, 8]] * 2
    assert runs(folder) == 4
    assert len(entries(folder)) == 2


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"reads": [{}, {}], "notes": [], "graph": {}}', b"\xff"])
def test_a_damaged_entry_counts_as_none(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "entry.json").write_bytes(damage)
    assert cache.recall(tmp_path / "entry.json") is None


def test_a_damaged_entry_is_written_anew(folder: Path, pruneconf: Run) -> None:
    shapes(folder, pruneconf)
    (entry,) = entries(folder)
    whole = json.loads(entry.read_text())
    entry.write_text(entry.read_text()[:-9])
    assert shapes(folder, pruneconf) == [[4, 4]]
    assert (runs(folder), json.loads(entry.read_text())["graph"]) == (2, whole["graph"])


def test_without_cache_it_runs_and_leaves_nothing(folder: Path, pruneconf: Run) -> None:
    shapes(folder, pruneconf)
    shapes(folder, pruneconf, "--no-cache")
    assert (runs(folder), entries(folder)) == (2, [])


def test_where_nothing_can_be_kept_it_works_all_the_same(folder: Path, pruneconf: Run) -> None:
    (folder / ".pruneconf_cache").write_text("a file in the way")
    assert shapes(folder, pruneconf) == [[4, 4]]


def test_a_model_that_is_edited_meanwhile_is_not_kept(folder: Path, pruneconf: Run) -> None:
    (folder / "model.py").write_text(MODEL + "open('helper.py', 'w').write('width = 6')\n")
    assert shapes(folder, pruneconf) == [[4, 4]]
    assert shapes(folder, pruneconf) == [[6, 6]]


def test_the_oldest_entries_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_BYTES", 250)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / remembered.FOLDER
    for number in range(4):
        cache.remember(folder / f"{number}.json", {"reads": [{}, {}], "filler": "x" * 60})
        if number < 3:
            os.utime(folder / f"{number}.json", (number, number))
    assert [path.name for path in entries(tmp_path)] == ["2.json", "3.json"]


@pytest.fixture
def traced(folder: Path, pruneconf: Run) -> Path:
    """The folder, with the model's graph file in it, and a second config."""
    (folder / "depth.json").write_text("2")
    assert pruneconf("trace", "model.py", "--no-cache").returncode == 0
    for name in ("cfg.yaml", "other.yaml"):
        (folder / name).write_text("- op_names: ['0']\n  sparsity_per_layer: 0.5\n")
    return folder


def is_checked(pruneconf: Run, *arguments: str) -> bool:
    """Lint configs that are in order; whether the graph had to be read for that."""
    done = pruneconf("lint", "model.graph.json", *arguments, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert "nothing wrong" in done.stdout
    return "pruneconf.plan.resolve" in done.stderr


def test_a_config_in_which_nothing_was_found_is_not_checked_again(traced: Path, pruneconf: Run) -> None:
    assert is_checked(pruneconf, "cfg.yaml")
    assert not is_checked(pruneconf, "cfg.yaml")
    assert is_checked(pruneconf, "cfg.yaml", "other.yaml")
    assert not is_checked(pruneconf, "cfg.yaml", "other.yaml")
    assert not is_checked(pruneconf, "cfg.yaml")
    assert is_checked(pruneconf, "cfg.yaml", "--no-cache")
    assert is_checked(pruneconf, "cfg.yaml", "--pruner", "l1")
    assert not is_checked(pruneconf, "cfg.yaml")
    (traced / "cfg.yaml").write_text("# a comment\n- op_names: ['0']\n  sparsity_per_layer: 0.5\n")
    assert is_checked(pruneconf, "cfg.yaml")


def test_what_changes_is_checked_again(traced: Path, pruneconf: Run) -> None:
    assert is_checked(pruneconf, "cfg.yaml")
    graph = traced / "model.graph.json"
    before = graph.read_text()
    graph.write_text(before.replace('"name": "0"', '"name": "first"'))
    assert "error[PC201]" in pruneconf("lint", "model.graph.json", "cfg.yaml").stdout
    graph.write_text(before)
    assert not is_checked(pruneconf, "cfg.yaml")
    (traced / "model.py").write_text("# edited\n")
    assert "warning[PC903]" in pruneconf("lint", "model.graph.json", "cfg.yaml").stdout


def test_findings_are_told_each_time(traced: Path, pruneconf: Run) -> None:
    (traced / "cfg.yaml").write_text("- op_names: ['2']\n  sparsity_per_layer: 0.5\n")
    first = pruneconf("lint", "model.graph.json", "cfg.yaml")
    assert first.returncode == 1
    assert pruneconf("lint", "model.graph.json", "cfg.yaml").stdout == first.stdout
    assert not list((traced / ".pruneconf_cache").glob("*.clean"))


@pytest.mark.parametrize("entry", ["", "\n\n", "a\n\nb\n\nc", "\xff"])
def test_a_damaged_entry_tells_nothing(traced: Path, pruneconf: Run, entry: str) -> None:
    is_checked(pruneconf, "cfg.yaml")
    (kept,) = (traced / ".pruneconf_cache").glob("*.clean")
    kept.write_text(entry, encoding="latin-1")
    assert is_checked(pruneconf, "cfg.yaml")
    assert not is_checked(pruneconf, "cfg.yaml")
