"""What tracing a model gives, and how one process hands it to another or to a later run: as JSON."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from pruneconf.errors import PruneconfError
from pruneconf.graph import ModelGraph, graph_text
from pruneconf.graph.reader import model_graph
from pruneconf.tracing.reads import Reads


class Traced(NamedTuple):
    """A model graph, and what the user should know about how it was obtained, a sentence each."""

    graph: ModelGraph
    notes: tuple[str, ...] = ()


def result_text(traced: Traced, reads: Reads | None) -> str:
    """A graph, its notes and the files that it was made from; without those it cannot be told when it is outdated."""
    head = json.dumps({"notes": traced.notes, "reads": reads})[:-1]
    return f'{head}, "graph": {graph_text(traced.graph)}}}\n'


def error_text(message: str) -> str:
    """The sentence that tells why there is no graph."""
    return json.dumps({"error": message})


def traced_from(data: dict[str, Any]) -> Traced:
    """What was written. Raises PruneconfError where that was an error, ValueError or KeyError for anything else."""
    if "error" in data:
        raise PruneconfError(data["error"])
    return Traced(model_graph(data["graph"]), tuple(data["notes"]))
