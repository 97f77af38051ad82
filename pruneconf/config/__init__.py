"""The config list as typed data."""

from pruneconf.config.model import Config, Fault, Ratio, SubConfig
from pruneconf.config.read import Reading, load, only, read_config, read_configs, with_text

__all__ = [
    "Config",
    "Fault",
    "Ratio",
    "Reading",
    "SubConfig",
    "load",
    "only",
    "read_config",
    "read_configs",
    "with_text",
]
