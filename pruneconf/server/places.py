"""Where the code of a model makes a layer: found in its sources, which are read and not run."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from typing import NamedTuple

from pruneconf.graph import ModelGraph


class Place(NamedTuple):
    """A stretch of one line of a file, counted from 0 and in code points."""

    file: str
    line: int
    start: int
    end: int


def definition(graph: ModelGraph, graph_path: str, name: str) -> Place | None:
    """Where a layer is made: the assignment to `self.NAME` in the class of its parent, or in that of a module above.

    Follows the name from the model's class inwards as far as the sources go.
    """
    classes = dict(_classes(graph, graph_path))
    types = {module.name: module.type for module in graph.modules} | {layer.name: layer.type for layer in graph.layers}
    found: Place | None = None
    owner = classes.get(graph.type)
    above = ""
    for segment in name.split("."):
        above = f"{above}.{segment}" if above else segment
        place = _assignment(owner, segment) if owner else None
        found = place or found
        owner = classes.get(types.get(above, ""))
    return found


class _Class(NamedTuple):
    file: str
    node: ast.ClassDef


def _classes(graph: ModelGraph, graph_path: str) -> Iterator[tuple[str, _Class]]:
    folder = os.path.dirname(graph_path)
    for source in graph.sources:
        file = os.path.abspath(os.path.join(folder, source))
        try:
            with open(file, "rb") as opened:
                tree = ast.parse(opened.read())
        except (OSError, SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield node.name, _Class(file, node)


def _assignment(owner: _Class, attribute: str) -> Place | None:
    """Where `self.ATTRIBUTE` is assigned in a class."""
    for node in ast.walk(owner.node):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and node.attr == attribute
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            return _place(owner.file, node)
    return None


def _place(file: str, node: ast.Attribute) -> Place:
    """The place of an expression; `ast` counts columns in bytes of UTF-8."""
    with open(file, encoding="utf-8", errors="replace") as opened:
        line = opened.read().splitlines()[node.lineno - 1].encode()
    start = len(line[: node.col_offset].decode(errors="replace"))
    return Place(file, node.lineno - 1, start, start + len(f"self.{node.attr}"))
