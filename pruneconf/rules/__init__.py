"""One rule, one file; a folder per family."""

from pruneconf.rules.base import ERROR, INFO, SAFE, UNSAFE, WARNING, Rule, rule
from pruneconf.rules.context import Context, Item
from pruneconf.rules.engine import lint
from pruneconf.rules.registry import all_rules

__all__ = ["ERROR", "INFO", "SAFE", "UNSAFE", "WARNING", "Context", "Item", "Rule", "all_rules", "lint", "rule"]
