"""Whether a graph file is older than the model that it describes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def changed_sources(sources: Mapping[str, str], graph_path: str) -> list[str]:
    """The files among a graph's `sources` that no longer are what it was made from, relative to the graph file.

    A file that is not there says nothing: a graph file may travel without its model.
    """
    folder = os.path.dirname(graph_path)
    files = {name: os.path.join(folder, name) for name in sources}
    return [name for name, file in files.items() if os.path.isfile(file) and file_digest(file) != sources[name]]


def file_digest(path: str | Path) -> str:
    """The sha256 of a file's bytes (hex)."""
    with open(path, "rb") as file:
        return sha256(file.read())


def sha256(data: bytes) -> str:
    """The sha256 of data (hex), by what CPython has built in: loading OpenSSL would cost the linter 2 ms."""
    for module in ("_sha2", "_sha256"):  # since Python 3.12, and before
        with suppress(ImportError):
            digest: str = import_module(module).sha256(data).hexdigest()
            return digest
    import hashlib

    return hashlib.sha256(data).hexdigest()
