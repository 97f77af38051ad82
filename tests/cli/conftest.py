"""A model and its graph, in the folder in which a test runs the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LAYERS = {
    "conv1": ("Conv2d", [8, 1, 3, 3]),
    "blocks.0.conv": ("Conv2d", [8, 8, 3, 3]),
    "blocks.0.norm": ("BatchNorm2d", [8]),
    "blocks.1.conv": ("Conv2d", [16, 8, 3, 3]),
    "blocks.1.norm": ("BatchNorm2d", [16]),
    "fc": ("Linear", [10, 16]),
}
MODEL = """\
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(x)).relu()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.blocks = nn.Sequential(Block(8, 8), Block(8, 16))
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        return self.fc(self.blocks(self.conv1(x)).mean((2, 3)))


def build_model():
    torch.manual_seed(0)
    return Net()
"""
CONFIG = """\
- op_types: [Conv2d, Linear]
  total_sparsity: 0.6
  max_sparsity_per_layer: 0.9
- op_names: [conv1, fc]
  exclude: true
"""


def graph_data() -> dict[str, object]:
    """The graph file of MODEL, as `pruneconf trace` writes it but for versions and digests."""
    layers = [
        {"name": name, "type": kind, "shape": shape, "dtype": "float32", "parameter": f"{name}.weight"}
        for name, (kind, shape) in LAYERS.items()
    ]
    modules = [
        {"name": "", "type": "Net", "weight": "none", "children": 6},
        {"name": "blocks", "type": "Sequential", "weight": "none", "children": 4},
        {"name": "blocks.0", "type": "Block", "weight": "none", "children": 2},
        {"name": "blocks.1", "type": "Block", "weight": "none", "children": 2},
    ]
    head = {"format": 1, "source": "model.py", "type": "Net", "origin": "modules", "parameters": 2074}
    return {**head, "versions": {}, "sources": {}, "layers": layers, "modules": modules, "shared": {}}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with model.py, its graph net.graph.json, and cfg.yaml, a good config for it."""
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "net.graph.json").write_text(json.dumps(graph_data()))
    (tmp_path / "cfg.yaml").write_text(CONFIG)
    return tmp_path
