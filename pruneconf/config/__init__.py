"""The config list as typed data."""

from pruneconf.config.check import Fault, check
from pruneconf.config.model import Config, Ratio, SubConfig
from pruneconf.config.read import Reading, load, read_config

__all__ = ["Config", "Fault", "Ratio", "Reading", "SubConfig", "check", "load", "read_config"]
