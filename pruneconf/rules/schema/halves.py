"""Sub-configs that lack their selector or their amount."""

from __future__ import annotations

from pruneconf.config.check import halves
from pruneconf.config.keys import AMOUNTS, CAP, SELECTORS
from pruneconf.document import Mapping, Path, plain
from pruneconf.rules.context import Context


def cut_in_two(ctx: Context, path: Path) -> str | None:
    """The advice where what a sub-config lacks stands in the next item of the list, which lacks the rest."""
    *above, index = path
    here, after = ctx.document.find(path), ctx.document.find((*above, int(index) + 1))
    if not (isinstance(here, Mapping) and isinstance(after, Mapping) and halves(plain(here), plain(after))):
        return None
    if not ctx.document.is_yaml:
        return "join it with the next one: together they say where and how much"
    return "the next item says the rest: remove the `-` before it, so that both are one sub-config"


def is_empty(ctx: Context, path: Path) -> bool:
    """Whether a sub-config has neither a selector nor an amount."""
    node = ctx.document.find(path)
    return not any(isinstance(node, Mapping) and node.get(key) for key in (*SELECTORS, *AMOUNTS, CAP))
