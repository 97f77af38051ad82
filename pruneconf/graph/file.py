"""The graph file (`*.graph.json`): a model graph on disk, so that linting needs neither torch nor the model.

`graph_text` writes one layer a line and nothing that differs from run to run: a changed model is a readable diff.
The shape is published as `schema/graph-v1.schema.json`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pruneconf.errors import PruneconfError
from pruneconf.graph.model import Layer, ModelGraph, Module
from pruneconf.graph.reader import FORMAT, GraphFileError, damaged, model_graph

SCHEMA = "https://pruneconf.github.io/pruneconf/schema/graph-v1.schema.json"


def read_graph(path: str | Path) -> ModelGraph:
    """Read a graph file.

    Raises PruneconfError where the file cannot be read, is damaged, is something else, or was written by a newer
    pruneconf; the message names the place.
    """
    try:
        return model_graph(_parse(Path(path).read_bytes()))
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
        "parameters": _compact(graph.parameters),
        "versions": _compact(dict(graph.versions)),
        "sources": _block("{}", _members(graph.sources)),
        "layers": _block("[]", (_compact(_layer(layer)) for layer in graph.layers)),
        "modules": _block("[]", (_compact(_module(module)) for module in graph.modules)),
        "shared": _block("{}", _members(graph.shared)),
    }
    lines = ",\n".join(f'  "{key}": {value}' for key, value in members.items())
    return f"{{\n{lines}\n}}\n"


def write_graph(graph: ModelGraph, path: Path) -> None:
    """Write a graph file; an interrupted or failed write leaves what stood there before.

    Raises PruneconfError where the file cannot be written.
    """
    target = Path(os.path.realpath(path))
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
    } | _aliases(layer.aliases)


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
