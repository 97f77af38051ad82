"""The version of pruneconf."""

__version__ = "0.1.0"
