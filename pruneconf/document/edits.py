"""How to write a value into a document so that it reads back as that value."""

from __future__ import annotations

from pruneconf.document.document import Document
from pruneconf.document.nodes import Scalar, Sequence


def scalar_text(document: Document, value: str | float, like: Scalar | None = None) -> str:
    """`value` as source text: quoted where it must be, and with the quotes of `like` where there are some."""
    if document.is_python:
        from pruneconf.document.python import literal_text

        return literal_text(value, document.text[like.start : like.end] if like else "")
    if not isinstance(value, str):
        return repr(value)
    quote = document.text[like.start] if like is not None and not like.plain else ""
    if quote == "'":
        return "'" + value.replace("'", "''") + "'"
    if quote != '"' and document.is_yaml and _reads_back(value):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)


def _reads_back(value: str) -> bool:
    """Whether YAML reads this text, unquoted and in flow style too, as the same string."""
    from pruneconf.document.yaml import compose

    node = compose(f"[{value}]").root if value and "\n" not in value else None
    return isinstance(node, Sequence) and [getattr(item, "value", None) for item in node.items] == [value]
