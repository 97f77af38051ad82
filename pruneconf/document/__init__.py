"""Texts with positions: YAML, JSON and Python literals to plain data, every node with its place."""

from pruneconf.document.document import Document, Parsed, Position, Problem, Unread, locate, plain, pointer
from pruneconf.document.nodes import Entry, Mapping, Node, Path, Scalar, Sequence
from pruneconf.document.source import encode, parse, read

__all__ = [
    "Document",
    "Entry",
    "Mapping",
    "Node",
    "Parsed",
    "Path",
    "Position",
    "Problem",
    "Scalar",
    "Sequence",
    "Unread",
    "encode",
    "locate",
    "parse",
    "plain",
    "pointer",
    "read",
]
