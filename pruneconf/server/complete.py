"""Completion: keys, amounts, layer names, parts of names and types, wherever in the text they may stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from lsprotocol import types as lsp

from pruneconf.config.keys import AMOUNTS, CAP, EXCLUDE, RATIOS, SELECTORS
from pruneconf.document import Document
from pruneconf.document.edits import scalar_text
from pruneconf.document.nodes import Scalar
from pruneconf.plan import DEFAULT_TYPES
from pruneconf.rules.words import counted
from pruneconf.server.cursor import Cursor, Slot
from pruneconf.server.models import Known
from pruneconf.server.positions import Positions
from pruneconf.server.words import markup, of_keys, shape

MOST_ITEMS = 500
_OFFERED = ("sparsity_per_layer", "total_sparsity", CAP, EXCLUDE)
_VALUES = {
    **dict.fromkeys(RATIOS, ("0.5", "0.6", "0.7", "0.8", "0.9")),
    CAP: ("0.8", "0.9", "0.95"),
    EXCLUDE: ("true",),
}
_WHOLE = {
    "prune layers of a type": (("op_types", "[Conv2d]"), ("sparsity_per_layer", "0.5")),
    "prune layers by name": (("op_names", "[{layer}]"), ("sparsity_per_layer", "0.5")),
    "prune to a total": (("op_types", "[Conv2d, Linear]"), ("total_sparsity", "0.8"), (CAP, "0.95")),
    "exclude layers": (("op_names", "[{layer}]"), ("exclude", "true")),
}


class Place(NamedTuple):
    """Where to complete: the cursor in its document, and the model if it is known.

    `schema` says whether another server completes what a schema knows, `names` whether that holds the names of layers.
    """

    cursor: Cursor
    document: Document
    positions: Positions
    offset: int
    known: Known | None
    uri: str
    snippets: bool = False
    formats: Sequence[lsp.MarkupKind] | None = None
    schema: bool = False
    names: bool = False


class _Choice(NamedTuple):
    """A text to put in, and what is said about it."""

    text: str
    detail: str = ""
    kind: lsp.CompletionItemKind = lsp.CompletionItemKind.EnumMember
    layer: bool = False


def complete(place: Place) -> lsp.CompletionList:
    """What may stand at the cursor, in the order of the model; what is typed already, anywhere in it, filters."""
    cursor = place.cursor
    if cursor.slot is Slot.SUB_CONFIG:
        return lsp.CompletionList(is_incomplete=False, items=[] if place.schema else list(_sub_configs(place)))
    if cursor.slot is Slot.KEY:
        return lsp.CompletionList(is_incomplete=False, items=[] if place.schema else list(_keys(place)))
    key = cursor.key or ""
    by_schema = place.names if key in {"op_names", "op_types"} else place.schema and key not in SELECTORS
    if by_schema or key not in {*SELECTORS, *_VALUES}:
        return lsp.CompletionList(is_incomplete=False, items=[])
    typed = place.document.text[cursor.start : place.offset].lstrip("\"'").lower()
    fitting = (choice for choice in _choices(key, place) if typed in choice.text.lower())
    chosen = list(islice(fitting, MOST_ITEMS + 1))
    items = [_item(place, number, choice) for number, choice in enumerate(chosen[:MOST_ITEMS])]
    return lsp.CompletionList(is_incomplete=len(chosen) > MOST_ITEMS, items=items)


def _choices(key: str, place: Place) -> Iterable[_Choice]:
    cursor, known = place.cursor, place.known
    if key in _VALUES:
        return [_Choice(value, kind=lsp.CompletionItemKind.Value) for value in _VALUES[key]]
    there = set(cursor.others(key))
    if known is None:
        types = DEFAULT_TYPES if key == "op_types" else ()
        return [_Choice(name, kind=lsp.CompletionItemKind.Class) for name in types if name not in there]
    counts = known.graph.types if key == "op_types" else known.parts if key == "op_partial_names" else None
    if counts is None:
        return _layers(known, there, set(cursor.others("op_types")))
    kind = lsp.CompletionItemKind.Class if key == "op_types" else lsp.CompletionItemKind.Module
    return (_Choice(name, counted(count, "layer"), kind) for name, count in counts.items() if name not in there)


def _layers(known: Known, there: set[str], types: set[str]) -> Iterator[_Choice]:
    """The layers that are not in the list yet, of the types that the sub-config asks for."""
    graph = known.graph
    types = types & set(graph.types)
    for layer in graph.layers:
        if layer.name not in there and (not types or layer.type in types):
            yield _Choice(layer.name, f"{layer.type} {shape(layer)}", layer=True)


def _item(place: Place, number: int, choice: _Choice) -> lsp.CompletionItem:
    cursor = place.cursor
    text = _source(place, choice.text)
    if cursor.slot is Slot.VALUE and cursor.key in SELECTORS:
        text = f"[{text}]"
    start, end = _replaced(cursor)
    return lsp.CompletionItem(
        label=choice.text,
        kind=choice.kind,
        detail=choice.detail or None,
        sort_text=f"{number:06d}",
        filter_text=f"{cursor.quote}{choice.text}" if cursor.quote else None,
        text_edit=lsp.TextEdit(place.positions.range(start, end), cursor.lead + text),
        data={"layer": choice.text, "uri": place.uri} if choice.layer else None,
    )


def _replaced(cursor: Cursor) -> tuple[int, int]:
    return cursor.start, cursor.end


def _source(place: Place, text: str) -> str:
    """A text as it is written here, in quotes where it needs them or has them."""
    cursor, document = place.cursor, place.document
    if cursor.key in _VALUES:
        return text
    like = Scalar(cursor.start, cursor.end, "", plain=False) if cursor.quote else None
    return scalar_text(document, text, like)


def _keys(place: Place) -> Iterator[lsp.CompletionItem]:
    """The keys that can still stand in this sub-config."""
    cursor = place.cursor
    there = {key for key, token in cursor.keys.items() if token.start != cursor.start}
    for number, key in enumerate(key for key in (*SELECTORS, *_OFFERED) if _can_stand(key, there)):
        start, end = _replaced(cursor)
        yield lsp.CompletionItem(
            label=key,
            kind=lsp.CompletionItemKind.Property,
            sort_text=f"{number:06d}",
            filter_text=f"{cursor.quote}{key}" if cursor.quote else None,
            text_edit=lsp.TextEdit(place.positions.range(start, end), cursor.lead + _entry(place, key)),
            insert_text_format=lsp.InsertTextFormat.Snippet if place.snippets else lsp.InsertTextFormat.PlainText,
            documentation=markup(of_keys()[key], place.formats),
        )


def _can_stand(key: str, there: set[str]) -> bool:
    if key in SELECTORS:
        return key not in there
    if key == CAP:
        return key not in there and not there & (set(AMOUNTS) - {"total_sparsity"})
    return not there & set(AMOUNTS) and not (key != "total_sparsity" and CAP in there)


def _entry(place: Place, key: str) -> str:
    """A key with what comes behind it: brackets for a list, `true` for an exclude."""
    cursor = place.cursor
    quote = cursor.quote or ("" if place.document.is_yaml else '"')
    name = f"{quote}{key}{quote}"
    if cursor.has_colon:
        return name
    stop = "$0" if place.snippets else ""
    return f"{name}: [{stop}]" if key in SELECTORS else f"{name}: {'true' if key == EXCLUDE else stop}"


def _sub_configs(place: Place) -> Iterator[lsp.CompletionItem]:
    """Whole sub-configs to begin with."""
    graph = place.known.graph if place.known else None
    layer = _source(place, graph.layers[0].name) if graph and graph.layers else "conv1"
    for number, (label, entries) in enumerate(_WHOLE.items()):
        written = [(key, value.replace("{layer}", layer)) for key, value in entries]
        text = _in_yaml(written) if place.document.is_yaml else _in_json(written)
        edit = lsp.TextEdit(place.positions.range(place.offset, place.offset), text)
        kind = lsp.CompletionItemKind.Snippet
        yield lsp.CompletionItem(label=label, kind=kind, sort_text=f"{number:06d}", text_edit=edit)


def _in_yaml(entries: list[tuple[str, str]]) -> str:
    return "- " + "\n  ".join(f"{key}: {value}" for key, value in entries)


def _in_json(entries: list[tuple[str, str]]) -> str:
    quoted: Callable[[str], str] = partial(re.sub, r"[A-Za-z_][\w.]*(?=[\],])", lambda match: f'"{match[0]}"')
    return "{" + ", ".join(f'"{key}": {quoted(value) if value[0] == "[" else value}' for key, value in entries) + "}"
