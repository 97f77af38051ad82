"""The reference of the machine formats, from the published JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maker.examples import examples

Schema = dict[str, Any]
SCHEMAS = Path(__file__).parents[2] / "schema"
BRANCHES = ("if", "then", "else", "allOf", "anyOf")
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
}


def format_pages() -> dict[str, str]:
    """Every page by its name, such as `findings.md`."""
    paths = sorted(SCHEMAS.glob("*.schema.json"))
    pages = {f"{path.name.partition('-')[0]}.md": _page(path) for path in paths}
    shown = examples()
    return {name: text + shown.get(name, "") for name, text in pages.items()}


def _page(path: Path) -> str:
    schema = json.loads(path.read_text(encoding="utf-8"))
    definitions = schema.get("definitions", {})
    schema, definitions = _written_out(schema, definitions), _written_out(definitions, definitions)
    described = {name: each for name, each in definitions.items() if "description" in each}
    version = path.name.removesuffix(".schema.json")
    parts = [
        f"# {schema['title']}\n\n{_description(schema)}\n",
        f"Generated from [`{version}`](../schema/{path.name}), the JSON Schema of this format (draft 7).\n",
        _body(schema),
        *(f"## {name}\n\n{_description(each)}\n\n{_body(each)}" for name, each in described.items()),
    ]
    return "\n".join(part for part in parts if part)


def _written_out(node: Any, definitions: Schema) -> Any:
    """A schema in which definitions that describe nothing stand where they are referred to."""
    if isinstance(node, list):
        return [_written_out(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    target = definitions.get(node["$ref"].rpartition("/")[2]) if "$ref" in node else None
    if target is not None and "description" not in target:
        return _written_out(target, definitions)
    return {key: _written_out(each, definitions) for key, each in node.items()}


def _description(schema: Schema) -> str:
    text: str = schema.get("markdownDescription") or schema.get("description", "")
    return text


def _body(schema: Schema) -> str:
    """What a schema says besides its description: its type, or its keys."""
    keys = "".join(_keys(schema, 0))
    shape = _type(schema)
    head = f"{shape[0].upper()}{shape[1:]}.\n" if shape and shape != "object" else ""
    return head + ("\n" if head and keys else "") + keys


def _keys(schema: Schema, depth: int) -> Iterator[str]:
    required = schema.get("required", [])
    for name, each in _properties(schema).items():
        facts = ", ".join(filter(None, [_type(each), "" if name in required or not required else "may be absent"]))
        text = "" if "$ref" in each else _description(each)
        yield f"{'    ' * depth}- `{name}`{f': {text}' if text else ''}<br>*{facts}*\n"
        yield from _keys(each, depth + 1)


def _properties(schema: Schema) -> dict[str, Schema]:
    """The keys of an object, those of its alternatives too: a key that any of them allows is a key of it."""
    found: dict[str, Schema] = dict(schema.get("properties", {}))
    for branch in BRANCHES:
        inner = schema.get(branch, [])
        for each in inner if isinstance(inner, list) else [inner]:
            if "description" not in each:
                found = _properties(each) | found
    return found


def _type(schema: Schema) -> str:
    """The type in words, with links to definitions."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "const" in schema or "enum" in schema:
        return " or ".join(f"`{json.dumps(each)}`" for each in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema and "properties" not in schema:
        return " or ".join(dict.fromkeys(filter(None, map(_type, schema["anyOf"]))))
    names = schema.get("type", [])
    if "allOf" in schema and not names:
        return " and ".join(filter(None, map(_type, schema["allOf"])))
    words = [WORDS[name](schema) if name in WORDS else name for name in ([names] if isinstance(names, str) else names)]
    limits = [text.format(schema[key]) for key, text in LIMITS.items() if key in schema]
    if "pattern" in schema:
        limits.append(f"matches `{schema['pattern']}`")
    empty = "" if schema.get("minItems", schema.get("minLength")) != 1 else "non-empty "
    return empty + ", ".join(filter(None, [" or ".join(words), *limits]))


def _array(schema: Schema) -> str:
    items = schema.get("items")
    if isinstance(items, list):
        return f"array of ({'; '.join(_type(each) for each in items)})"
    return f"array of {_type(items)}" if items else "array"


def _object(schema: Schema) -> str:
    values = schema.get("additionalProperties")
    return f"object with values: {_type(values)}" if values else "object"


WORDS = {"array": _array, "object": _object}
