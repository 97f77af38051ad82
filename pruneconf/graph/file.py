"""The graph file (`*.graph.json`): a model graph on disk, so that linting needs neither torch nor the model.

`graph_text` writes one layer a line and nothing that differs from run to run: a changed model is a readable diff.
The shape is published as `schema/graph-v1.schema.json`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pruneconf.errors import PruneconfError
from pruneconf.graph.coupling import Coupling, Member
from pruneconf.graph.errors import GraphFileError, damaged
from pruneconf.graph.model import Layer, ModelGraph, Module
from pruneconf.graph.reader import FORMAT, ROWS, model_graph

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "https://pruneconf.github.io/pruneconf/schema/graph-v1.schema.json"


def read_graph(path: str | Path) -> ModelGraph:
    """Read a graph file.

    Raises PruneconfError where the file cannot be read, is damaged, is something else, or was written by a newer
    pruneconf; the message names the place.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
        return model_graph(_rows(content) or _parse(content))
    except OSError as error:
        raise PruneconfError(
            f"cannot read `{path}`: {_reason(error)}; `pruneconf trace MODEL -o {path}` writes a graph file"
        ) from error
    except GraphFileError as error:
        raise PruneconfError(f"`{path}` {error}") from error


def graph_text(graph: ModelGraph) -> str:
    """The graph as the text of a graph file. The same graph gives the same text."""
    members = {
        "$schema": _compact(SCHEMA),
        "format": _compact(FORMAT),
        "source": _compact(graph.source),
        "type": _compact(graph.type),
        "origin": _compact(graph.origin),
        "inputs": _compact(graph.inputs),
        "missing": _block("[]", map(_compact, graph.missing)),
        "parameters": _compact(graph.parameters),
        "versions": _compact(dict(graph.versions)),
        "sources": _block("{}", _members(graph.sources)),
        "layers": _block("[]", (_compact(_layer(layer)) for layer in graph.layers)),
        "modules": _block("[]", (_compact(_module(module)) for module in graph.modules)),
        "shared": _block("{}", _members(graph.shared)),
        "unreachable": _block("[]", map(_compact, graph.unreachable)),
        "couplings": _block("[]", (_compact(_coupling(coupling)) for coupling in graph.couplings)),
    }
    lines = ",\n".join(f'  "{key}": {value}' for key, value in members.items())
    return f"{{\n{lines}\n}}\n"


def write_graph(graph: ModelGraph, path: Path) -> None:
    """Write a graph file; an interrupted or failed write leaves what stood there before.

    Raises PruneconfError where the file cannot be written.
    """
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        try:
            draft.write_text(graph_text(graph), encoding="utf-8", newline="\n")
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise PruneconfError(f"cannot write `{path}`: {_reason(error)}; name another file with `-o`") from error


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "type": layer.type,
        "shape": layer.shape,
        "dtype": layer.dtype,
        "parameter": layer.parameter,
        **_aliases(layer.aliases),
        **({"bases": layer.bases} if layer.bases else {}),
        **({} if layer.calls is None else {"calls": layer.calls}),
        **({"output": True} if layer.output else {}),
        **({} if layer.out_axis is layer.in_axis is None else {"axes": [layer.out_axis, layer.in_axis]}),
    }


def _coupling(coupling: Coupling) -> dict[str, Any]:
    lists = {"joins": coupling.joins, "limits": coupling.limits, "pins": coupling.pins}
    return {
        "units": coupling.units,
        **{key: rows for key, rows in lists.items() if rows},
        "members": [_member(member) for member in coupling.members],
    }


def _member(member: Member) -> list[Any]:
    """The row of a member without the defaults at its end."""
    row = list(member)
    while row[-1] == Member._field_defaults.get(Member._fields[len(row) - 1]):
        row.pop()
    return row


def _module(module: Module) -> dict[str, Any]:
    return {
        "name": module.name,
        "type": module.type,
        "weight": module.weight.value,
        "children": module.children,
    } | _aliases(module.aliases)


def _aliases(aliases: tuple[str, ...]) -> dict[str, Any]:
    return {"aliases": aliases} if aliases else {}


def _members(mapping: Mapping[str, Any]) -> Iterable[str]:
    return (f"{_compact(key)}: {_compact(value)}" for key, value in mapping.items())


def _block(brackets: str, items: Iterable[str]) -> str:
    lines = ",\n".join(f"    {item}" for item in items)
    return f"{brackets[0]}\n{lines}\n  {brackets[1]}" if lines else brackets


def _compact(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _rows(content: bytes) -> dict[str, Any] | None:
    """What a sound file holds; None for one that is not, of which `_parse` and the reader say what is wrong."""
    from pruneconf.graph.rows import parse

    try:
        return parse(content.decode(), ROWS)
    except (ValueError, GraphFileError, RecursionError):
        return None


def _parse(content: bytes) -> Any:
    import json

    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        reason = error.msg[0].lower() + error.msg[1:]
        raise damaged(f"line {error.lineno} is not JSON ({reason})") from error
    except ValueError as error:
        raise damaged("it is not JSON") from error
    except RecursionError as error:
        raise damaged("it is nested too deeply") from error
