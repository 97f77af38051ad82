"""The model as plain data."""

from pruneconf.graph.coupling import Coupling, Join, Limit, Member, Parameter, Pin, Side
from pruneconf.graph.file import graph_text, read_graph, write_graph
from pruneconf.graph.model import UNKNOWN_TYPE, Layer, ModelGraph, Module, Origin, Weight

__all__ = [
    "UNKNOWN_TYPE",
    "Coupling",
    "Join",
    "Layer",
    "Limit",
    "Member",
    "ModelGraph",
    "Module",
    "Origin",
    "Parameter",
    "Pin",
    "Side",
    "Weight",
    "graph_text",
    "read_graph",
    "write_graph",
]
