"""Edits of a text: how to write a value so that it reads back, and how to take out or add an item or an entry.

All leave every byte outside of what they change as it was: comments, quotes, indentation and line breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from pruneconf.document.document import Document
from pruneconf.document.nodes import Entry, Mapping, Node, Path, Scalar, Sequence

_BLANKS = " \t"
_REST_OF_LINE = r"[ \t]*(?P<comma>,?)(?:[ \t]*|[ \t]+#[^\r\n]*)(?P<break>\r\n|\r|\n|\Z)"


class Edit(NamedTuple):
    """Replace the text in [start, end) by `text`."""

    start: int
    end: int
    text: str


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


@lru_cache(maxsize=4096)
def _reads_back(value: str) -> bool:
    """Whether YAML reads this text, unquoted and in flow style too, as the same string."""
    from pruneconf.document.yaml import compose

    node = compose(f"[{value}]").root if value and "\n" not in value else None
    return isinstance(node, Sequence) and [getattr(item, "value", None) for item in node.items] == [value]


def removal(document: Document, *paths: Path) -> tuple[Edit, ...]:
    """The edits that take out the items or entries at some paths, all or none; see `removal_of`."""
    edits: list[Edit] = []
    for above in dict.fromkeys(path[:-1] for path in paths):
        parent = document.find(above)
        indices = {_index(parent, path[-1]) for path in paths if path[:-1] == above}
        for first, count in _runs(index for index in indices if index is not None):
            part = removal_of(document, parent, first, count) if parent and None not in indices else ()
            if not part:
                return ()
            edits += part
    return tuple(sorted(edits))


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The runs of consecutive numbers among some: where each begins, and how long it is."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        first, count = runs[-1] if runs else (number, 0)
        if first + count == number:
            runs[-1:] = [(first, count + 1)]
        else:
            runs.append((number, 1))
    return runs


def removal_of(document: Document, parent: Node, index: int, count: int = 1) -> tuple[Edit, ...]:
    """The edits that take out `count` items of a list or entries of a mapping, from the one at an index on.

    What stands on lines of its own goes with these lines, and with the comments on them. None where no others are
    there, or where one is written in a way (aliases, anchors, explicit keys) that no plain edit takes apart.
    """
    parts = parent.entries if isinstance(parent, Mapping) else parent.items if isinstance(parent, Sequence) else ()
    if not 0 <= index < index + count <= len(parts) or count == len(parts):
        return ()
    before = _extent(document, parts[index - 1]) if index else None
    after = _extent(document, parts[index + count]) if index + count < len(parts) else None
    here = _run(document, parts[index : index + count], before[1] if before else parent.start, parent.end)
    if here is None:
        return ()
    if document.text[parent.start] in "[{":
        return _out_of_flow(document.text, parent.start, before, here, after)
    if isinstance(parent, Sequence):
        return _out_of_list(document.text, here)
    return _out_of_mapping(document.text, here, after)


def insertion(document: Document, path: Path, key: str, value: str) -> tuple[Edit, ...]:
    """The edits that write `key: value` behind the entry at a path; none where that one is no plain `key: value`."""
    parent, index = document.find(path[:-1]), _index(document.find(path[:-1]), path[-1])
    if not isinstance(parent, Mapping) or index is None:
        return ()
    entry = parent.entries[index]
    extent = _extent(document, entry)
    if extent is None or not parent.start <= extent[0] < extent[1] <= parent.end:
        return ()
    text = document.text
    head = text[_line_start(text, entry.key.start) : entry.key.start]
    new = f"{scalar_text(document, key, entry.key)}: {value}"
    if text[parent.start] == "{":
        gap = line_break(text, entry.key.start) + head if not head.strip(_BLANKS) else " "
        return (Edit(extent[1], extent[1], f",{gap}{new}"),)
    rest = re.compile(_REST_OF_LINE).match(text, extent[1])
    if rest is None or rest["comma"] or head.strip(" -"):
        return ()
    at = rest.start("break")
    return (Edit(at, at, line_break(text, at) + " " * len(head) + new),)


def extension(document: Document, path: Path, values: Iterable[str]) -> tuple[Edit, ...]:
    """The edits that write texts behind the last item of a list; none where that one is no plain scalar on a line."""
    node, text = document.find(path), document.text
    last = node.items[-1] if isinstance(node, Sequence) and node.items else None
    if not isinstance(last, Scalar) or not node or not node.start <= last.start < last.end <= node.end:
        return ()
    new = [scalar_text(document, value, last) for value in values]
    head, line_end = text[_line_start(text, last.start) : last.start], document.line_end(last.start)
    if last.end > line_end:
        return ()
    if text[node.start] in "[(":
        return (Edit(last.end, last.end, "".join(f", {one}" for one in new)),)
    if head.strip(_BLANKS) != "-":
        return ()
    return (Edit(line_end, line_end, "".join(line_break(text, line_end) + head + one for one in new)),)


def relocation(document: Document, path: Path, behind: Path) -> tuple[Edit, ...]:
    """The edits that move an item of a block list behind a later one; none where lines do not hold it alone."""
    text, target = document.text, document.find(behind)
    out = removal(document, path)
    extent = _extent(document, target) if target is not None else None
    rest = re.compile(_REST_OF_LINE).match(text, extent[1]) if extent else None
    if len(out) != 1 or rest is None or out[0].end > rest.start("break"):
        return ()
    moved = text[out[0].start : out[0].end]
    if not moved.lstrip(_BLANKS).startswith("-") or rest["comma"]:
        return ()
    at = rest.start("break")
    return (*out, Edit(at, at, line_break(text, at) + moved.rstrip("\r\n")))


Value = str | bool | float | list[str] | dict[str, "Value"]


def addition(document: Document, path: Path, values: Iterable[Value]) -> tuple[Edit, ...]:
    """The edits that write more items behind the last of a list; none where that one is an alias, or there is none."""
    text, parent = document.text, document.find(path)
    if not isinstance(parent, Sequence) or not parent.items:
        return ()
    start, end = _extent(document, parent.items[-1]) or (0, 0)
    if not parent.start <= start < end <= parent.end or any(item.start >= start for item in parent.items[:-1]):
        return ()
    line = _line_start(text, start)
    if text[parent.start] == "[":
        own_line = line > parent.start and not text[line:start].strip(_BLANKS)
        between = "," + (line_break(text, end) + text[line:start] if own_line else " ")
        return (Edit(end, end, "".join(between + _source(document, value) for value in values)),)
    dash = _back(text, start, _BLANKS + "\r\n") - 1
    line = _line_start(text, dash)
    rest = re.compile(_REST_OF_LINE).match(text, end)
    if text[dash : dash + 1] != "-" or _back(text, dash, _BLANKS) != line or rest is None or rest["comma"]:
        return ()
    indent, at = line_break(text, end) + text[line:dash], rest.start("break")
    return (Edit(at, at, "".join(f"{indent}- " + _in_block(document, value, indent) for value in values)),)


def _in_block(document: Document, value: Value, indent: str) -> str:
    """The source text of an item of a block list: a mapping with a line for each entry."""
    if not isinstance(value, dict):
        return _source(document, value)
    return f"{indent}  ".join(f"{scalar_text(document, key)}: {_source(document, each)}" for key, each in value.items())


def _source(document: Document, value: Value) -> str:
    """A value as source text in one line."""
    if isinstance(value, bool):
        return str(value) if document.is_python else str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_source(document, each) for each in value) + "]"
    if isinstance(value, dict):
        entries = (f"{scalar_text(document, key)}: {_source(document, each)}" for key, each in value.items())
        return "{" + ", ".join(entries) + "}"
    return scalar_text(document, value)


def _index(parent: Node | None, step: str | int) -> int | None:
    if isinstance(parent, Sequence) and isinstance(step, int):
        return step
    if isinstance(parent, Mapping):
        indices = [i for i, entry in enumerate(parent.entries) if entry.key.value == step]
        return indices[-1] if indices else None
    return None


def _extent(document: Document, part: Node | Entry) -> tuple[int, int] | None:
    """Where an item or entry stands, without the line breaks behind a block text; None for a value by an alias."""
    if not isinstance(part, Entry):
        start, end = part.start, part.end
    elif part.value.start < part.key.end:
        return None
    else:
        start, end = part.key.start, part.value.end
    while end > start and document.text[end - 1] in " \t\r\n":
        end -= 1
    return start, end


def _run(document: Document, parts: Iterable[Node | Entry], start: int, end: int) -> tuple[int, int] | None:
    """Where consecutive parts stand; None where not all stand plainly, one behind the other, in [start, end]."""
    at, begin = start, None
    for extent in (_extent(document, part) for part in parts):
        if (
            extent is None
            or not at <= extent[0] <= extent[1] <= end
            or set("&*!?") & set(document.text[at : extent[0]])
        ):
            return None
        begin, at = extent[0] if begin is None else begin, extent[1]
    return None if begin is None else (begin, at)


def _out_of_flow(
    text: str, opened: int, before: tuple[int, int] | None, here: tuple[int, int], after: tuple[int, int] | None
) -> tuple[Edit, ...]:
    start, end = here
    line = _line_start(text, start)
    rest = re.compile(_REST_OF_LINE).match(text, end)
    alone = _back(text, start, _BLANKS) == line
    if alone and rest and rest["break"]:
        whole = Edit(line, rest.end(), "")
        if rest["comma"]:
            return (whole,)
        comma = re.compile(r"[ \t]*,").match(text, before[1]) if before else None
        return (Edit(comma.start(), comma.end(), ""), whole) if comma and not after else ()
    if before and re.fullmatch(r"[ \t]*,[ \t]*" if after else r"\s*,\s*", text[before[1] : start]):
        return (Edit(before[1], end, ""),)
    first = alone or not text[opened + 1 : start].strip()
    if after and first and re.fullmatch(r"[ \t]*,\s*", text[end : after[0]]):
        return (Edit(start, after[0], ""),)
    return ()


def _out_of_list(text: str, here: tuple[int, int]) -> tuple[Edit, ...]:
    dash = _back(text, here[0], _BLANKS + "\r\n") - 1
    line = _line_start(text, dash)
    rest = re.compile(_REST_OF_LINE).match(text, here[1])
    if text[dash : dash + 1] != "-" or _back(text, dash, _BLANKS) != line or rest is None or rest["comma"]:
        return ()
    return (Edit(line, rest.end(), ""),)


def _out_of_mapping(text: str, here: tuple[int, int], after: tuple[int, int] | None) -> tuple[Edit, ...]:
    start, end = here
    line = _line_start(text, start)
    rest = re.compile(_REST_OF_LINE).match(text, end)
    if rest is None or rest["comma"]:
        return ()
    if _back(text, start, _BLANKS) == line:
        return (Edit(line, rest.end(), ""),)
    if after is None or text[line:start].strip(" -"):
        return ()
    behind = rest.end()
    while text[behind] in " \t\r\n":  # up to the next key, or a comment before it
        behind += 1
    return (Edit(start, behind, ""),)


def _back(text: str, at: int, chars: str) -> int:
    while at and text[at - 1] in chars:
        at -= 1
    return at


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def line_break(text: str, at: int) -> str:
    """The line break nearest to a place: that of its line, or else of the line before."""
    found = re.compile(r"\r\n|\r|\n").search(text, at)
    if found:
        return found[0]
    start = _line_start(text, at)
    return "\r\n" if text.startswith("\r\n", start - 2) else text[start - 1 : start] or "\n"
