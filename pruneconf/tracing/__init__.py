"""From a user's model to a model graph."""

from pruneconf.tracing.load import Traced, build, load_graph
from pruneconf.tracing.modules import module_graph, trace

__all__ = ["Traced", "build", "load_graph", "module_graph", "trace"]
