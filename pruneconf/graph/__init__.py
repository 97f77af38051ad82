"""The model as plain data."""

from pruneconf.graph.file import graph_text, read_graph, write_graph
from pruneconf.graph.model import Layer, ModelGraph, Module, Weight

__all__ = ["Layer", "ModelGraph", "Module", "Weight", "graph_text", "read_graph", "write_graph"]
