"""What a run of the linter must not load, and what the floors of the house must not know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "numpy", "rich", "asyncio", "importlib.metadata", "transformers", "pygls", "jsonschema", "rapidfuzz"}
GRAPH = """{"format": 1, "source": "m.py", "type": "Net", "origin": "modules", "parameters": 8, "versions": {},
"sources": {}, "layers": [{"name": "fc", "type": "Linear", "shape": [4, 2], "dtype": "float32",
"parameter": "fc.weight"}], "modules": [], "shared": {}}"""
CONFIG = "- op_types: [Linear]\n  sparsity_per_layer: 0.5\n"


FAULTY = "- op_types: [Conv2d]\n  sparsty_per_layer: 50\n"


def loaded(arguments: list[str], cwd: Path, status: int = 0) -> set[str]:
    """The modules that a run of the command line has imported."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: open('modules.txt', 'w').write('\\n'.join(sys.modules)))\n"
        "from pruneconf.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, check=False)
    assert done.returncode == status, done.stderr
    return set((cwd / "modules.txt").read_text().split())


@pytest.mark.parametrize("model", [[], ["net.graph.json"]], ids=["no model", "graph file"])
def test_linting_a_clean_config_loads_nothing_heavy(tmp_path: Path, model: list[str]) -> None:
    (tmp_path / "cfg.yaml").write_text(CONFIG)
    (tmp_path / "net.graph.json").write_text(GRAPH)
    assert loaded(["lint", *model, "cfg.yaml"], tmp_path) & (HEAVY | {"ruamel.yaml", "pathlib", "hashlib"}) == set()


@pytest.mark.parametrize("model", [[], ["net.graph.json"]], ids=["no model", "graph file"])
def test_findings_need_what_words_need_and_no_more(tmp_path: Path, model: list[str]) -> None:
    (tmp_path / "cfg.yaml").write_text(FAULTY)
    (tmp_path / "net.graph.json").write_text(GRAPH)
    assert loaded(["lint", *model, "cfg.yaml"], tmp_path, 1) & HEAVY == {"rapidfuzz"}
