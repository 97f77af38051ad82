"""Real language servers and editors, which `make test-editors` installs; without it nothing here is collected."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors.lsp import Client, server

collect_ignore_glob = [] if "PRUNECONF_EDITORS" in os.environ else ["test_*"]

PARTS = {
    "attn.q_proj": ("Linear", [64, 64]),
    "attn.k_proj": ("Linear", [64, 64]),
    "norm": ("LayerNorm", [64]),
    "mlp.fc1": ("Linear", [256, 64]),
    "conv": ("Conv2d", [64, 64, 3, 3]),
}


def names_of(count: int) -> list[str]:
    """The names of the layers of a model of repeated blocks."""
    parts = list(PARTS)
    return [f"encoder.layers.{i // len(parts)}.{parts[i % len(parts)]}" for i in range(count)]


def write_graph(path: Path, names: list[str]) -> Path:
    """Write the graph file of a model with layers of these names."""
    kinds = list(PARTS.values())
    layers = [
        {"name": name, "type": kind, "shape": shape, "dtype": "float32", "parameter": f"{name}.weight"}
        for name, (kind, shape) in ((name, kinds[i % len(kinds)]) for i, name in enumerate(names))
    ]
    head = {"format": 1, "source": "model.py", "type": "Net", "origin": "modules", "parameters": len(names)}
    parts = {"versions": {}, "sources": {}, "layers": layers, "modules": [], "shared": {}}
    path.write_text(json.dumps({**head, **parts}))
    return path


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder in which editors are installed."""
    return Path(os.environ["PRUNECONF_EDITORS"]).resolve()


@pytest.fixture
def start(tools: Path, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Start language servers in the test's folder by their names; they end with the test."""
    clients: list[Client] = []

    def started(name: str, schemas: dict[str, Any] | None = None) -> Client:
        clients.append(server(tools, name, tmp_path, schemas or {}))
        return clients[-1]

    yield started
    for client in clients:
        client.close()
