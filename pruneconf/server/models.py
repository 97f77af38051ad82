"""Which model a config is for, and its graph file: the last good one, read anew when it changes."""

from __future__ import annotations

import gc
import os
from collections import Counter
from functools import cached_property
from pathlib import Path

from pruneconf.errors import PruneconfError
from pruneconf.graph import ModelGraph, read_graph
from pruneconf.graph.stale import changed_sources
from pruneconf.plan import Selection
from pruneconf.settings import Settings

ENDING = ".graph.json"
CACHE = ".pruneconf_cache"
"""The folder for graphs of models that have no graph file yet."""

_Stamp = tuple[tuple[int, int] | None, ...]


class Known:
    """A model graph, and what is worked out of it once."""

    def __init__(self, graph: ModelGraph, path: str) -> None:
        self.graph = graph
        self.path = path

    @cached_property
    def selection(self) -> Selection:
        """The selectors applied to it."""
        return Selection(self.graph)

    @cached_property
    def parts(self) -> dict[str, int]:
        """The beginnings of layer names that end in a dot, in model order, and how many layers have each."""
        counts: Counter[str] = Counter()
        for layer in self.graph.layers:
            above = layer.name.rpartition(".")[0]
            while above:
                counts[f"{above}."] += 1
                above = above.rpartition(".")[0]
        return counts


class Model:
    """What the settings name as the model, and the graph file for it.

    `known` is the last graph that could be read; None where there never was one. `problem` says why the file there now
    cannot be read.
    """

    def __init__(self, target: str, folder: str) -> None:
        self.target = target
        self.folder = folder
        self.known: Known | None = None
        self.problem = ""
        self._stamp: _Stamp = ()

    @property
    def is_code(self) -> bool:
        """Whether there is code that could be run to get the graph."""
        return not self.target.endswith(ENDING)

    @property
    def name(self) -> str:
        """What messages call it: its path in the project."""
        return os.path.relpath(self.target, self.folder) if os.path.isabs(self.target) else self.target

    @property
    def stem(self) -> str:
        """What the model is called, after its file, module or directory."""
        name = os.path.basename(self.target.rpartition(":")[0] or self.target)
        return name.removesuffix(".index.json").removesuffix(".safetensors").removesuffix(".py")

    def places(self) -> list[str]:
        """Where its graph file may stand, the best place first."""
        if not self.is_code:
            return [self.target]
        file = self.stem + ENDING
        beside = os.path.dirname(self.target) or self.folder
        return [os.path.join(folder, file) for folder in (beside, self.folder, os.path.join(self.folder, CACHE))]

    @property
    def written_to(self) -> str:
        """Where a new graph file goes: in place of the one that is there."""
        places = self.places()
        return next(filter(os.path.isfile, places), places[-1])

    def current(self) -> Known | None:
        """The graph as the file has it now, or else as it had it last."""
        path = next(filter(os.path.isfile, self.places()), None)
        if path is None:
            return self.known
        sources = self.known.graph.sources if self.known and self.known.path == path else ()
        folder = os.path.dirname(path)
        stamp = tuple(map(_stamp, (path, *(os.path.join(folder, name) for name in sources))))
        if not sources or stamp != self._stamp:
            self._read(path, stamp)
        return self.known

    def _read(self, path: str, stamp: _Stamp) -> None:
        if self.known and self.known.path == path and stamp[:1] == self._stamp[:1]:
            graph = self.known.graph
            if not graph.sources:
                return
        else:
            try:
                graph = read_graph(path)
            except PruneconfError as error:
                self.problem = str(error)
                return
        changed = tuple(changed_sources(graph.sources, path))
        self.problem = ""
        if self.known is None or graph is not self.known.graph or changed != graph.changed:
            self.known = Known(graph._replace(changed=changed), path)
            gc.freeze()  # nothing of it is garbage, however often that is looked for
        folder = os.path.dirname(path)
        self._stamp = (_stamp(path), *(_stamp(os.path.join(folder, name)) for name in graph.sources))


class Models:
    """The models of all configs that are open, each once."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], Model] = {}

    def of(self, file: str, settings: Settings, given: str | None) -> Model | None:
        """The model for a config: `given`, that of the settings, or the only graph file beside the config."""
        folder = os.path.abspath(settings.folder)
        target = given or settings.model_of(file)
        if target is None:
            beside = list(Path(file).parent.glob(f"*{ENDING}"))
            target = str(beside[0]) if len(beside) == 1 else None
        if target is None:
            return None
        if os.path.exists(target.rpartition(":")[0] or target) or os.path.exists(target):
            target = os.path.abspath(target)
        return self._models.setdefault((target, folder), Model(target, folder))


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
