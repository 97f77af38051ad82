"""From the JSON of a graph file to a model graph, with a check of every value on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from sys import intern
from typing import Any, NoReturn, TypeVar

from pruneconf.graph.coupling import Parameter
from pruneconf.graph.coupling_reader import coupling, parameter
from pruneconf.graph.errors import GraphFileError, damaged
from pruneconf.graph.model import Layer, ModelGraph, Module, Origin, Weight
from pruneconf.graph.rows import Reader, Rows

FORMAT = 1
"""The version of the file format that this pruneconf writes and reads."""

_WEIGHTS = {weight.value: weight for weight in Weight}
_ORIGINS = {origin.value: origin for origin in Origin}
_NO_AXES = [None, None]

T = TypeVar("T")


def model_graph(data: Any) -> ModelGraph:
    """The graph that the parsed file describes. Keys that this version does not know are left aside.

    Raises GraphFileError.
    """
    if not isinstance(data, dict):
        _fail("", "an object")
    _format(data)
    layers = tuple(_each(data, "layers", _layer))
    modules = tuple(_each(data, "modules", _module))
    _unique("layers", layers)
    _unique("modules", modules)
    return ModelGraph(
        source=_text(data, "source"),
        type=_text(data, "type"),
        layers=layers,
        modules=modules,
        shared=_mapping(data, "shared", _is_texts, "lists of strings", tuple),
        parameters=_count(data, "parameters"),
        sources=_mapping(data, "sources", _is_text, "strings", str),
        origin=_choice(data, "origin", _ORIGINS),
        versions=_mapping(data, "versions", _is_text, "strings", str),
        inputs=_text(data, "inputs") if "inputs" in data else "",
        missing=_texts(data, "missing"),
        couplings=tuple(_each(data, "couplings", coupling)) if "couplings" in data else (),
        unreachable=_unreachable(data),
    )


def _format(data: dict[str, Any]) -> None:
    number = _count(data, "format")
    if number > FORMAT:
        raise GraphFileError(
            f"has format {number}, this pruneconf reads format {FORMAT}; "
            "update pruneconf, or write the file anew with `pruneconf trace`"
        )
    if number < FORMAT:
        _fail("format", str(FORMAT))


def _each(data: dict[str, Any], key: str, read: Callable[[dict[str, Any], str], T]) -> list[T]:
    items = data.get(key)
    if isinstance(items, Rows):
        return items
    if not isinstance(items, list):
        _fail(key, "a list")
    found = []
    for index, item in enumerate(items):
        place = f"{key}/{index}"
        if not isinstance(item, dict):
            _fail(place, "an object")
        found.append(read(item, f"{place}/"))
    return found


def _layer(item: dict[str, Any], place: str) -> Layer:
    shape = item.get("shape")
    if not isinstance(shape, list) or not set(map(type, shape)) <= {int} or min(shape, default=0) < 0:
        _fail(f"{place}shape", "a list of whole numbers")
    out_axis, in_axis = _axes(item, place)
    return Layer(
        name=_text(item, "name", place),
        type=intern(_text(item, "type", place)),
        shape=_one(tuple(shape)),
        dtype=intern(_text(item, "dtype", place)),
        parameter=_text(item, "parameter", place),
        aliases=_texts(item, "aliases", place),
        bases=_texts(item, "bases", place),
        calls=_count(item, "calls", place) if "calls" in item else None,
        output=item.get("output") is True,
        out_axis=out_axis,
        in_axis=in_axis,
    )


@lru_cache(maxsize=1024)
def _one(shape: tuple[int, ...]) -> tuple[int, ...]:
    """One tuple for all weights of a shape: there are few shapes, and many layers."""
    return shape


def _axes(item: dict[str, Any], place: str) -> list[int | None]:
    axes = item.get("axes", _NO_AXES)
    if not isinstance(axes, list) or len(axes) != len(_NO_AXES) or not set(map(type, axes)) <= {int, type(None)}:
        _fail(f"{place}axes", "two dimensions of the weight, `null` for none")
    return axes


def _unreachable(data: dict[str, Any]) -> tuple[Parameter, ...]:
    rows = data.get("unreachable", [])
    if not isinstance(rows, list):
        _fail("unreachable", "a list")
    return tuple(parameter(row, f"unreachable/{index}") for index, row in enumerate(rows))


def _module(item: dict[str, Any], place: str) -> Module:
    return Module(
        name=_text(item, "name", place),
        type=_text(item, "type", place),
        weight=_choice(item, "weight", _WEIGHTS, place),
        children=_count(item, "children", place),
        aliases=_texts(item, "aliases", place),
    )


ROWS: Mapping[str, Reader] = {"layers": _layer, "modules": _module, "couplings": coupling}
"""What is made of the items of the long lists."""


def _texts(item: dict[str, Any], key: str, place: str = "") -> tuple[str, ...]:
    if key not in item:
        return ()
    texts = item[key]
    if not _is_texts(texts):
        _fail(place + key, "a list of strings")
    return tuple(texts)


def _choice(item: dict[str, Any], key: str, known: Mapping[str, T], place: str = "") -> T:
    value = _text(item, key, place)
    if value not in known:
        _fail(place + key, "one of " + ", ".join(f"`{name}`" for name in known))
    return known[value]


def _mapping(
    data: dict[str, Any], key: str, valid: Callable[[Any], bool], expected: str, make: Callable[[Any], T]
) -> Mapping[str, T]:
    value = data.get(key)
    if not isinstance(value, dict) or not all(map(valid, value.values())):
        _fail(key, f"an object of {expected}")
    return {name: make(entry) for name, entry in value.items()}


def _text(data: dict[str, Any], key: str, place: str = "") -> str:
    value = data.get(key)
    if not isinstance(value, str):
        _fail(place + key, "a string")
    return value


def _count(data: dict[str, Any], key: str, place: str = "") -> int:
    value = data.get(key)
    if type(value) is not int or value < 0:
        _fail(place + key, "a whole number")
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _unique(key: str, entries: Sequence[Layer | Module]) -> None:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry.name in seen:
            raise damaged(f"`{key}/{index}/name` stands there twice: `{entry.name}`")
        seen.add(entry.name)


def _fail(place: str, expected: str) -> NoReturn:
    raise damaged(f"{f'`{place}`' if place else 'it'} must be {expected}")
