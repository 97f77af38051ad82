"""Configs from one form to another: to YAML, from the forms of NNI v1 and v3, and to that of v3."""

from pruneconf.convert.items import Item, Parts, parts_of
from pruneconf.convert.to_v2 import to_v2
from pruneconf.convert.to_v3 import to_v3
from pruneconf.convert.write import yaml_text

__all__ = ["Item", "Parts", "parts_of", "to_v2", "to_v3", "yaml_text"]
