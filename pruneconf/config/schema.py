"""The published JSON Schemas, as files of this installation."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def schema_text(name: str = "pruneconf") -> str:
    """The text of a schema: `pruneconf` (the config), `graph`, `findings`, `plan` or `report`.

    Raises FileNotFoundError for another name.
    """
    return (_folder() / f"{name}-v1.schema.json").read_text("utf-8")


def _folder() -> Path:
    """The folder of the schemas: inside the package in a wheel, beside it in a checkout."""
    installed = _PACKAGE / "schema"
    return installed if installed.is_dir() else _PACKAGE.parent / "schema"
