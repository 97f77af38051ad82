"""Where a config selects a layer."""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config import SubConfig
from pruneconf.document import Path
from pruneconf.graph import Layer
from pruneconf.server.analysis import Analysis
from pruneconf.server.models import Known


def references(analysis: Analysis, known: Known, layer: Layer) -> Iterator[tuple[int, int]]:
    """The entries that select a layer, in the order of the text: its name, a part of it, or its type."""
    alone = known.selection.of_names([layer.name])
    typed = known.graph.is_typed
    for sub_config in analysis.reading.sub_configs:
        if (sub_config.op_types is None or typed) and known.selection.of(sub_config) & alone:
            for path in _entries(sub_config, layer):
                node = analysis.document.find(path)
                if node is not None:
                    yield node.start, node.end


def _entries(sub_config: SubConfig, layer: Layer) -> Iterator[Path]:
    named = [
        (*sub_config.path, key, i)
        for key, fits in (("op_names", layer.name.__eq__), ("op_partial_names", lambda part: part in layer.name))
        for i, value in enumerate(getattr(sub_config, key) or ())
        if fits(value)
    ]
    yield from named or [
        (*sub_config.path, "op_types", i) for i, value in enumerate(sub_config.op_types or ()) if value == layer.type
    ]
