"""Texts with positions: YAML and JSON to plain data, every node with its place."""

from pruneconf.document.document import Document, Position, Problem, plain, pointer
from pruneconf.document.nodes import Entry, Mapping, Node, Path, Scalar, Sequence

__all__ = [
    "Document",
    "Entry",
    "Mapping",
    "Node",
    "Path",
    "Position",
    "Problem",
    "Scalar",
    "Sequence",
    "plain",
    "pointer",
]
