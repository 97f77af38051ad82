"""From a user's model to a model graph."""

from pruneconf.tracing.chain import Traced, trace
from pruneconf.tracing.inputs import parse_input
from pruneconf.tracing.load import build, load_graph
from pruneconf.tracing.modules import module_graph
from pruneconf.tracing.rehearse import build_to_run

__all__ = ["Traced", "build", "build_to_run", "load_graph", "module_graph", "parse_input", "trace"]
