"""Add to a settings file of an editor: JSON, with comments and commas at the end of lists where people put some."""

from __future__ import annotations

import json
import re
from typing import Any

from pruneconf.document import Document, Mapping, Node, Scalar, Sequence
from pruneconf.document.json import compose
from pruneconf.errors import PruneconfError

_INDENT = "    "
_STRING = r'"(?:[^"\\\n]|\\.)*"'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
_LAST_COMMA = re.compile(rf"({_STRING})|,(?=\s*[\]}}])")


def merged(name: str, text: str, wanted: dict[str, Any]) -> str:
    """The text with everything in it that is wanted: entries of objects, items of lists, all the way down.

    What is there already stays, byte for byte. Raises PruneconfError, with the place, where the text is no JSON or has
    something else in the place of an object or list.
    """
    if not text.strip():
        return json.dumps(wanted, indent=_INDENT, ensure_ascii=False) + "\n"
    bare = Document(name, text, parsed=compose(_without(_LAST_COMMA, _without(_COMMENT, text))))
    if bare.root is None:
        problem = bare.problems[0]
        raise PruneconfError(f"`{_place(bare, problem.start)}`: {problem.message}; mend it and run this again")
    edits: list[tuple[int, str]] = []
    _add(bare, bare.root, wanted, edits)
    for offset, added in sorted(edits, reverse=True):
        lines = added.replace("\n", "\r\n") if "\r\n" in text else added
        text = text[:offset] + lines + text[offset:]
    return text


def _without(pattern: re.Pattern[str], text: str) -> str:
    """The text with blanks in the place of what matches, but for strings."""
    return pattern.sub(lambda match: match[1] or re.sub(r"[^\n]", " ", match[0]), text)


def _add(document: Document, node: Node, wanted: Any, edits: list[tuple[int, str]]) -> None:
    """The insertions that bring into a node what is wanted and not there: (offset, text)."""
    if isinstance(wanted, dict) and isinstance(node, Mapping):
        known = {entry.key.value: entry.value for entry in node.entries if isinstance(entry.key, Scalar)}
        new = [f"{json.dumps(key)}: {_text(value)}" for key, value in wanted.items() if key not in known]
        for key in known.keys() & wanted.keys():
            _add(document, known[key], wanted[key], edits)
        first = node.entries[0].key.start if node.entries else None
    elif isinstance(wanted, list) and isinstance(node, Sequence):
        there = [_identity(_data(item)) for item in node.items]
        new = [_text(value) for value in wanted if _identity(value) not in there]
        first = node.items[0].start if node.items else None
    elif not isinstance(wanted, dict | list):
        return
    else:
        what = "an object" if isinstance(wanted, dict) else "a list"
        raise PruneconfError(
            f"`{_place(document, node.start)}`: expected {what}, to add `{json.dumps(wanted, ensure_ascii=False)}`; "
            "make it one and run this again"
        )
    if new:
        edits.append((node.start + 1, _insertion(document.text, node, first, new)))


def _identity(value: Any) -> Any:
    """What tells an item of a list from another: its `url`, where it has one."""
    return value.get("url", value) if isinstance(value, dict) else value


def _data(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {entry.key.value: _data(entry.value) for entry in node.entries if isinstance(entry.key, Scalar)}
    return [_data(item) for item in node.items] if isinstance(node, Sequence) else node.value


def _text(value: Any) -> str:
    return json.dumps(value, indent=_INDENT, ensure_ascii=False)


def _insertion(text: str, node: Node, first: int | None, new: list[str]) -> str:
    """The text to put behind the opening bracket of an object or list, laid out as what is in there is."""
    if first is not None and "\n" not in text[node.start : first]:
        return "".join(re.sub(r"\s*\n\s*", " ", part) + ", " for part in new)
    outer = _indent(text, node.start)
    inner = outer + _INDENT if first is None else _indent(text, first)
    added = ",".join(f"\n{part}" for part in new).replace("\n", f"\n{inner}")
    return added + ("," if first is not None else f"\n{outer}")


def _indent(text: str, offset: int) -> str:
    """The blanks with which the line of an offset begins."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _place(document: Document, offset: int) -> str:
    line, column = document.position(offset)
    return f"{document.name}:{line}:{column}"
