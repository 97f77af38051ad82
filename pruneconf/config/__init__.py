"""The config list as typed data."""

from pruneconf.config.model import Config, Ratio, SubConfig

__all__ = ["Config", "Ratio", "SubConfig"]
