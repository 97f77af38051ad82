"""Findings about keys of other systems."""

from __future__ import annotations

from pruneconf.config import Fault
from pruneconf.config.foreign import FOREIGN
from pruneconf.config.keys import SELECTORS
from pruneconf.document import Mapping, Scalar, Sequence
from pruneconf.findings import Finding, Fix
from pruneconf.rules.context import Context


def foreign_key(ctx: Context, fault: Fault, fix: Fix | None = None) -> Finding:
    """The finding that says whose key it is and what to write here."""
    (key,) = fault.keys
    foreign = FOREIGN[key]
    path = (*fault.path, key)
    return ctx.finding(path, f"`{key}` is a key of {foreign.system}", key=True, help=foreign.advice, fix=fix)


def renaming(ctx: Context, fault: Fault) -> Fix | None:
    """The unsafe fix that writes our key for a foreign one, where the value fits it and the key is free."""
    (key,) = fault.keys
    instead, path = FOREIGN[key].instead, (*fault.path, key)
    mapping, value = ctx.document.find(fault.path), ctx.document.find(path)
    if instead is None or not isinstance(mapping, Mapping) or mapping.get(instead):
        return None
    fits = isinstance(value, Sequence if instead in SELECTORS else Scalar)
    return ctx.replace(path, instead, safe=False, key=True) if fits else None
