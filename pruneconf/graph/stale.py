"""Whether a graph file is older than the model that it describes."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from pruneconf.graph.model import ModelGraph

if TYPE_CHECKING:
    from pathlib import Path


def changed_sources(graph: ModelGraph, graph_path: str) -> list[str]:
    """The files of `graph.sources` that no longer are what the graph was made from, relative to the graph file.

    A file that is not there says nothing: a graph file may travel without its model.
    """
    folder = os.path.dirname(graph_path)
    files = {name: os.path.join(folder, name) for name in graph.sources}
    return [name for name, file in files.items() if os.path.isfile(file) and file_digest(file) != graph.sources[name]]


def file_digest(path: str | Path) -> str:
    """The sha256 of a file's bytes (hex)."""
    with open(path, "rb") as file:
        return _sha256(file.read())


def _sha256(data: bytes) -> str:
    """The hash by what CPython has built in: loading OpenSSL for it would cost the linter 2 ms."""
    for module in ("_sha2", "_sha256"):  # since Python 3.12, and before
        with suppress(ImportError):
            digest: str = import_module(module).sha256(data).hexdigest()
            return digest
    import hashlib

    return hashlib.sha256(data).hexdigest()
