"""Findings about keys that do not go together."""

from __future__ import annotations

from collections.abc import Sequence

from pruneconf.document import Path
from pruneconf.findings import Finding, Fix
from pruneconf.rules.context import Context


def listed(keys: Sequence[str]) -> str:
    """`a`, `b` and `c`."""
    *first, last = [f"`{key}`" for key in keys]
    return f"{', '.join(first)} and {last}" if first else last


def conflict(ctx: Context, path: Path, keys: Sequence[str], message: str, help_: str, fix: Fix | None) -> Finding:
    """A finding at the last of some keys of a sub-config, with a label at each of the others."""
    *others, last = sorted(((*path, key) for key in keys), key=lambda key: ctx.label(key, key=True).start)
    related = [ctx.label(other, key=True) for other in others]
    return ctx.finding(last, message, key=True, help=help_, related=related, fix=fix)
