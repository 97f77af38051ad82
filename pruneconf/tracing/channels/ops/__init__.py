"""How each operator carries channels: importing this package enters all rules."""

from pruneconf.tracing.channels.ops import contract, elementwise, norms, picking, shape, writing

__all__ = ["contract", "elementwise", "norms", "picking", "shape", "writing"]
