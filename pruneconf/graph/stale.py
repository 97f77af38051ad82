"""Whether a graph file is older than the model that it describes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pruneconf.graph.model import ModelGraph


def changed_sources(graph: ModelGraph, graph_path: Path) -> list[str]:
    """The files of `graph.sources` that no longer are what the graph was made from, relative to the graph file.

    A file that is not there says nothing: a graph file may travel without its model.
    """
    return [
        name
        for name, digest in graph.sources.items()
        if (file := graph_path.parent / name).is_file() and file_digest(file) != digest
    ]


def file_digest(path: Path) -> str:
    """The sha256 of a file's bytes (hex)."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
