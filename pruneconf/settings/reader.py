"""The settings in a pyproject.toml, if it has any."""

from __future__ import annotations

import tomllib
from typing import Any

from pruneconf.errors import PruneconfError


def table(text: str, path: str) -> dict[str, Any] | None:
    """The table `[tool.pruneconf]` of a TOML text, None where it has none; severities by the codes of rules.

    Raises PruneconfError that names the line of every fault; `path` is what it calls the file.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PruneconfError(f"`{path}` is no TOML: {str(error).lower()}") from error
    tool = data.get("tool")
    found = tool.get("pruneconf") if isinstance(tool, dict) else None
    if found is None:
        return None
    if not isinstance(found, dict):
        raise PruneconfError(f"`{path}`: `tool.pruneconf` must be a table")
    from pruneconf.settings.check import checked  # it knows all rules: most files have no such table

    return checked(found, text, path)
