"""What to write for a value of the wrong type."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from pruneconf.config.keys import EXCLUDE, SELECTORS, YAML_1_1_BOOLEANS
from pruneconf.document import Path, Scalar, Sequence
from pruneconf.document.edits import scalar_text
from pruneconf.rules.context import Context
from pruneconf.rules.schema.values import cut, number_in, ratio_meant, what, written

_EXAMPLES = {"op_types": "Conv2d", "op_names": "layer1.0.conv1", "op_partial_names": "layer1."}
_NOUNS = {"op_types": "a type", "op_names": "a name", "op_partial_names": "a part of a name"}
_BOOLEANS = YAML_1_1_BOOLEANS | {"true": True, "1": True, "false": False, "0": False}


class Advice(NamedTuple):
    """What is wrong with a value, what to do, and the source text to put in its place where that is plain."""

    message: str
    help: str
    text: str | None = None
    safe: bool = True


def mend(ctx: Context, path: Path) -> Advice:
    """Advice for the value at a path that ends in a key of a sub-config, or in an index of one of its lists."""
    *_, key, last = path
    if isinstance(last, int):
        return _entry(ctx, path, str(key))
    if last in SELECTORS:
        return _selector(ctx, path, last)
    return _exclude(ctx, path) if last == EXCLUDE else _ratio(ctx, path, last)


def _message(ctx: Context, path: Path, wanted: str) -> str:
    found = what(ctx, path)
    return f"`{path[-1]}` has no value" if found == "nothing" else f"`{path[-1]}` takes {wanted}, not {found}"


def _selector(ctx: Context, path: Path, key: str) -> Advice:
    node = ctx.document.find(path)
    message = _message(ctx, path, "a list")
    value = node.value if isinstance(node, Scalar) else None
    source = "" if value is None else value if isinstance(value, str) else written(ctx, path)
    names = [name.strip() for name in re.split("[,\n]", source) if name.strip()]
    if not names:
        return Advice(message, f"write a list such as `[{_example(ctx, key)}]`")
    text = "[" + ", ".join(scalar_text(ctx.document, name) for name in names) + "]"
    return Advice(message, f"write `{cut(text)}`", text, safe=len(names) == 1)


def _entry(ctx: Context, path: Path, key: str) -> Advice:
    node = ctx.document.find(path)
    noun = _NOUNS[key]
    if isinstance(node, Sequence):
        return Advice(f"an entry of `{key}` is a list", "remove the inner brackets")
    if not isinstance(node, Scalar):
        help_ = f"write {noun} alone: ratios stand under keys of the sub-config"
        return Advice(f"an entry of `{key}` is a mapping", help_)
    if node.value is None:
        help_ = f"write {noun} such as `{_example(ctx, key)}`, or remove it"
        return Advice(f"an entry of `{key}` has no value", help_)
    text = json.dumps(written(ctx, path))
    kind = "a boolean" if isinstance(node.value, bool) else "a number"
    return Advice(f"`{written(ctx, path)}` is {kind}, not {noun}", f"put it in quotes: `{text}`", text)


def _exclude(ctx: Context, path: Path) -> Advice:
    node = ctx.document.find(path)
    message = _message(ctx, path, "`true`")
    if isinstance(node, Sequence):
        return Advice(message, "write `exclude: true`, and what to exclude under `op_names` or `op_types`")
    meaning = _BOOLEANS.get(str(node.value).lower()) if isinstance(node, Scalar) else None
    if meaning is None:
        return Advice(message, "write `true`, or remove `exclude` to prune these layers")
    return Advice(message, "write `true`", "true") if meaning else Advice(message, "remove it to prune these layers")


def _ratio(ctx: Context, path: Path, key: str) -> Advice:
    node = ctx.document.find(path)
    message = _message(ctx, path, "a number")
    if not isinstance(node, Scalar):
        return Advice(message, "write one ratio, and a sub-config of its own for layers with another")
    number = number_in(node.value) if isinstance(node.value, str) else None
    text = ratio_meant(number, key) if number is not None else None
    if number is None or text is None:
        return Advice(message, "write a ratio such as `0.5`")
    return Advice(message, f"write `{text}`", text, safe=0 <= number <= 1)


def _example(ctx: Context, key: str) -> str:
    return scalar_text(ctx.document, _EXAMPLES[key])
