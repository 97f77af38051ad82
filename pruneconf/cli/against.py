"""A model against which configs are checked, or none."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from pruneconf.cli.arguments import ModelOptions, graph_of, note
from pruneconf.rules.engine import SCHEMA, Examined, examine
from pruneconf.settings import settings

if TYPE_CHECKING:
    from pruneconf.cli.clean import Clean
    from pruneconf.config import Reading
    from pruneconf.graph import ModelGraph
    from pruneconf.rules.choose import Chosen


class Model:
    """The model that the user named, of which the graph is read when the first config is checked.

    Configs in which nothing was found are not checked again before something changes, unless that is to be done `anew`.
    """

    def __init__(self, name: str | None, pruner: str, options: ModelOptions, chosen: Chosen, *, anew: bool) -> None:
        self._name = name
        self._pruner = pruner
        self._options = options
        self._chosen = chosen
        self._clean = None if anew else self._recalled()

    def _recalled(self) -> Clean | None:
        if not self._name or not self._name.endswith(".graph.json") or self._options.inputs:
            return None
        from pruneconf.cli.clean import Clean

        with suppress(OSError):  # what is wrong with the file is said where the graph is read
            return Clean(self._name, self._pruner)
        return None

    @cached_property
    def graph(self) -> ModelGraph | None:
        """The graph of the model; where it was not traced, a note says which rules could not be checked."""
        if not self._name:
            return None
        from pruneconf.graph import Origin

        graph = graph_of(self._name, options=self._options)
        if graph.origin is not Origin.OPERATORS:
            from pruneconf.rules.registry import rules

            unchecked = [rule.info.code for rule in (*rules("graph"), *rules("channels")) if self._chosen(rule.info)]
            if unchecked:
                note(f"checked without a traced forward pass, which {', '.join(unchecked)} need")
        return graph

    def examine(self, reading: Reading) -> Examined:
        """Lint a config, with the severities that the project's settings give."""
        if self._clean and self._clean.holds(reading):
            return Examined([], [], frozenset())
        examined, applied = examine(reading, self.graph, self._pruner), settings().applied
        if self._clean and not examined.findings and not examined.suppressed and not _names_a_schema(reading):
            self._clean.add(reading)
        return Examined(applied(examined.findings), applied(examined.suppressed), examined.stages)

    def remember(self) -> None:
        """Keep what was found for later runs."""
        if self._clean and self._clean.has_new and self.graph:
            self._clean.write(self.graph)


def _names_a_schema(reading: Reading) -> bool:
    """Whether a file outside of the config and the graph counts too."""
    return SCHEMA in reading.document.text
