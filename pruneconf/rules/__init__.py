"""One rule, one file; a folder per family. What a rule is made of stands in `base` and `context`."""

from pruneconf.rules.engine import lint

__all__ = ["lint"]
