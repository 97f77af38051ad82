"""Configs in which nothing was found before, so that those that did not change are not checked again.

They are remembered for each graph file and pruner, and count only while the graph, the sources that it names and this
version of pruneconf are the same. A config is known by its name, its text and the place of its list in there.
"""

from __future__ import annotations

import os

from pruneconf.config import Reading
from pruneconf.document import pointer
from pruneconf.graph import ModelGraph, Origin
from pruneconf.graph.stale import changed_sources, sha256
from pruneconf.remembered import FOLDER, keep
from pruneconf.version import __version__


class Clean:
    """What is remembered of the configs that were checked against one graph file."""

    def __init__(self, model: str, pruner: str) -> None:
        with open(model, "rb") as file:
            graph = sha256(file.read())
        self._model = model
        self._name = sha256(f"{os.path.abspath(model)}\n{pruner}".encode(errors="surrogateescape"))[:32] + ".clean"
        self._head = f"{graph} {__version__}"
        self._known = self._recalled()
        self._found: set[str] = set()

    def _recalled(self) -> set[str]:
        try:
            with open(os.path.join(FOLDER, self._name), encoding="utf-8", errors="surrogateescape") as file:
                head, sources, configs = file.read().split("\n\n")
            made_from = {name: digest for digest, name in (line.split(" ", 1) for line in sources.splitlines())}
        except (OSError, ValueError):
            return set()
        if head != self._head or changed_sources(made_from, self._model):
            return set()
        return set(configs.split())

    def holds(self, reading: Reading) -> bool:
        """Whether nothing is wrong with this config, as far as is known."""
        return _key(reading) in self._known

    def add(self, reading: Reading) -> None:
        """Take in a config in which nothing was found."""
        self._found.add(_key(reading))

    @property
    def has_new(self) -> bool:
        """Whether there is something to remember."""
        return bool(self._found)

    def write(self, graph: ModelGraph) -> None:
        """Remember what was found, unless something about the model is to be said each time."""
        silent = graph.origin is Origin.OPERATORS and not graph.missing and not graph.changed
        if silent and not any("\n" in name for name in graph.sources):
            sources = "\n".join(f"{digest} {name}" for name, digest in graph.sources.items())
            keep(self._name, "\n\n".join([self._head, sources, "\n".join(sorted(self._known | self._found))]))


def _key(reading: Reading) -> str:
    document = reading.document
    return sha256("\n".join([document.name, pointer(reading.path), document.text]).encode(errors="surrogatepass"))
