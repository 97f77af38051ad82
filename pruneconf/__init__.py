"""Validator, linter and reference pruner for neural-network pruning configs.

>>> graph = pruneconf.trace(model)
>>> config = pruneconf.load("cfg.yaml")
>>> plan = pruneconf.resolve(config, graph)
>>> masks = pruneconf.prune(model, plan)

Each name is imported on first use, so that the linter never pays for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pruneconf.config import Config, load
    from pruneconf.errors import PruneconfError
    from pruneconf.findings import Finding
    from pruneconf.graph import ModelGraph, read_graph
    from pruneconf.plan import Plan, resolve
    from pruneconf.pruning import attach, by_layer, compact, load_compact, prune, save
    from pruneconf.rules import lint
    from pruneconf.tracing import trace
    from pruneconf.version import __version__

__all__ = [
    "Config",
    "Finding",
    "ModelGraph",
    "Plan",
    "PruneconfError",
    "__version__",
    "attach",
    "by_layer",
    "compact",
    "lint",
    "load",
    "load_compact",
    "prune",
    "read_graph",
    "resolve",
    "save",
    "trace",
]

_HOMES = {
    "Config": "config",
    "Finding": "findings",
    "ModelGraph": "graph",
    "Plan": "plan",
    "PruneconfError": "errors",
    "__version__": "version",
    "attach": "pruning",
    "by_layer": "pruning",
    "compact": "pruning",
    "lint": "rules",
    "load": "config",
    "load_compact": "pruning",
    "prune": "pruning",
    "read_graph": "graph",
    "resolve": "plan",
    "save": "pruning",
    "trace": "tracing",
}

_OPTIONAL = ("torch", "numpy", "safetensors")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pruneconf' has no attribute '{name}'")
    try:
        return getattr(import_module(f"pruneconf.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in _OPTIONAL:
            raise
        from pruneconf.errors import PruneconfError

        raise PruneconfError(f"`pruneconf.{name}` needs {error.name}: run `pip install 'pruneconf[torch]'`") from error


def __dir__() -> list[str]:
    return __all__
