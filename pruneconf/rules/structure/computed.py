"""Modules whose weight is computed from other parameters."""

from __future__ import annotations

from pruneconf.graph import ModelGraph, Module, Weight


def computed_modules(graph: ModelGraph) -> list[Module]:
    """The modules whose weight is computed, in model order."""
    return [module for module in graph.modules if module.weight is Weight.COMPUTED]


def computed_names(graph: ModelGraph) -> str:
    """All their names, one a line: what a partial name can be looked for in."""
    return "\n".join(name for module in computed_modules(graph) for name in (module.name, *module.aliases))
