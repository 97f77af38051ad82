"""From a user's model to a model graph.

Each name is imported on first use: whoever takes a remembered graph, or lets a process of its own make one
(`pruneconf.tracing.apart`), needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pruneconf.tracing.chain import trace
    from pruneconf.tracing.inputs import parse_input
    from pruneconf.tracing.load import build, load_graph
    from pruneconf.tracing.modules import module_graph
    from pruneconf.tracing.rehearse import build_to_run
    from pruneconf.tracing.result import Traced

__all__ = ["Traced", "build", "build_to_run", "load_graph", "module_graph", "parse_input", "trace"]

_HOMES = {
    "Traced": "result",
    "build": "load",
    "build_to_run": "rehearse",
    "load_graph": "load",
    "module_graph": "modules",
    "parse_input": "inputs",
    "trace": "chain",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pruneconf.tracing' has no attribute '{name}'")
    return getattr(import_module(f"pruneconf.tracing.{_HOMES[name]}"), name)
