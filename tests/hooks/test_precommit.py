"""The pre-commit hooks, run by the real pre-commit, which builds the hook's environment from this repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = "- op_types: [Linear]\n  sparsity_per_layer: 0.5\n"
BAD = "- op_types: [Linear]\n  sparsty_per_layer: 0.5\n"
UNKNOWN_LAYER = "- op_names: [encoder]\n  sparsity_per_layer: 0.5\n"
GRAPH = """{"format": 1, "source": "m.py", "type": "Net", "origin": "modules", "parameters": 8, "versions": {},
"sources": {}, "layers": [{"name": "fc", "type": "Linear", "shape": [4, 2], "dtype": "float32",
"parameter": "fc.weight"}], "modules": [], "shared": {}}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps the environments that it builds."""
    return tmp_path_factory.mktemp("pre-commit-home")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    run(["git", "init", "-q"], tmp_path)
    return tmp_path


def run(command: list[str], cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run(command, cwd=cwd, env=clean | env, capture_output=True, text=True, check=False, timeout=600)


def pre_commit(repository: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    run(["git", "add", "-A"], repository)
    return run([sys.executable, "-m", "pre_commit", *arguments], repository, PRE_COMMIT_HOME=str(home))


def test_without_a_model_the_hook_checks_configs_alone(repository: Path, home: Path) -> None:
    (repository / "good.prune.yaml").write_text(GOOD)
    (repository / "unknown.prune.yaml").write_text(UNKNOWN_LAYER)
    (repository / "other.yaml").write_text("not: a config\n")
    done = pre_commit(repository, home, "try-repo", str(ROOT), "pruneconf", "--all-files", "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing wrong in 2 files" in done.stdout

    (repository / "bad.prune.yaml").write_text(BAD)
    done = pre_commit(repository, home, "try-repo", str(ROOT), "pruneconf", "--all-files")
    assert done.returncode == 1
    assert "PC101" in done.stdout
    assert "did you mean `sparsity_per_layer`?" in done.stdout


def test_with_a_committed_graph_the_hook_knows_the_layers(repository: Path, home: Path) -> None:
    revision = run(["git", "rev-parse", "HEAD"], ROOT).stdout.strip()
    (repository / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {ROOT}\n  rev: {revision}\n  hooks:\n  - id: pruneconf\n    args: [--model, net.graph.json]\n"
    )
    (repository / "net.graph.json").write_text(GRAPH)
    (repository / "good.prune.yaml").write_text(GOOD)
    done = pre_commit(repository, home, "run", "--all-files", "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checked against net.graph.json" in done.stdout

    (repository / "unknown.prune.yaml").write_text(UNKNOWN_LAYER)
    done = pre_commit(repository, home, "run", "--all-files")
    assert done.returncode == 1
    assert "PC201" in done.stdout


def test_the_hook_environment_has_no_torch(home: Path) -> None:
    pythons = list(home.glob("repo*/py_env-*/bin/python"))
    assert pythons, "the tests above build the environments"
    for python in pythons:
        assert run([str(python), "-c", "import pruneconf"], home).returncode == 0
        assert run([str(python), "-c", "import torch"], home).returncode == 1
