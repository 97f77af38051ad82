"""Texts with positions: YAML and JSON to plain data, every node with its place."""

from pruneconf.document.comments import Comment, comments
from pruneconf.document.document import Document, Position, Problem, locate, plain, pointer
from pruneconf.document.nodes import Entry, Mapping, Node, Path, Scalar, Sequence
from pruneconf.document.source import encode, parse, read

__all__ = [
    "Comment",
    "Document",
    "Entry",
    "Mapping",
    "Node",
    "Path",
    "Position",
    "Problem",
    "Scalar",
    "Sequence",
    "comments",
    "encode",
    "locate",
    "parse",
    "plain",
    "pointer",
    "read",
]
