"""A model that was traced: its source, its graph file, and a project around both."""

from pathlib import Path

from pruneconf.graph import ModelGraph, write_graph
from pruneconf.graph.stale import file_digest
from tests.rules.layers import graph_of

MODEL = """\
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(64, 64, 3)
        self.conv2 = nn.Conv2d(64, 64, 3)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7)
        self.layer1 = nn.Sequential(Block(), Block())
        self.fc = nn.Linear(64, 10)


model = Net()
"""
LAYERS = """\
conv1 Conv2d 64x3x7x7
layer1 Sequential -
layer1.0 Block -
layer1.0.conv1 Conv2d 64x64x3x3
layer1.0.conv2 Conv2d 64x64x3x3
layer1.1 Block -
layer1.1.conv1 Conv2d 64x64x3x3
layer1.1.conv2 Conv2d 64x64x3x3
fc Linear 10x64 output
coupled conv1, layer1.0.conv2, layer1.1.conv2 by add at model.py:9
"""


def graph() -> ModelGraph:
    return graph_of(LAYERS)._replace(type="Net")


def project(folder: Path, settings: str = 'model = "model.py"', *, traced: bool = True) -> Path:
    """A folder with a model, the settings that name it, and its graph file."""
    (folder / "model.py").write_text(MODEL)
    (folder / "pyproject.toml").write_text(f"[tool.pruneconf]\n{settings}\n")
    if traced:
        trace(folder)
    return folder


def trace(folder: Path) -> None:
    """Write the graph file anew."""
    sources = {"model.py": file_digest(str(folder / "model.py"))}
    write_graph(graph()._replace(sources=sources), folder / "model.graph.json")
