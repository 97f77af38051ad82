"""Schemas for one model, as files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pruneconf.cli.arguments import ModelOptions, current_graph_of, note
from pruneconf.errors import PruneconfError
from pruneconf.graph.stale import file_digest
from pruneconf.output.model_schema import MOST, OFFERED, MadeFrom, model_schema, model_schema_text

if TYPE_CHECKING:
    from pruneconf.graph import ModelGraph


def text_for(model: str, path: Path | None, flavour: str, most: int | None, options: ModelOptions) -> str:
    """The text of the schema for a model, as it is to stand at `path`; a note says what it leaves out."""
    graph = current_graph_of(model, options)
    _say_what_is_left_out(graph, most or OFFERED)
    return schema_file_text(graph, model, path or Path("schema.json"), flavour, most or OFFERED)


def schema_file_text(graph: ModelGraph, model: str, path: Path, flavour: str, most: int = OFFERED) -> str:
    """The text of the schema for a graph that stands for `model`, as it is to stand at `path`."""
    return model_schema_text(model_schema(graph, _made_from(graph, model, path.parent), flavour, most))


def _made_from(graph: ModelGraph, model: str, folder: Path) -> MadeFrom:
    """The files behind a model; a graph names its sources relative to its own file."""
    is_file = model.endswith(".graph.json")
    here = Path(model).parent if is_file else Path()
    sources = {here / name: digest for name, digest in graph.sources.items()}
    if is_file:
        sources[Path(model)] = file_digest(model)
    return MadeFrom(model, {os.path.relpath(path, folder): digest for path, digest in sources.items()})


def _say_what_is_left_out(graph: ModelGraph, most: int) -> None:
    count = len(graph.layers)
    if count > MOST:
        note(f"the model has {count:,} layers: the first {most:,} are offered, and names are not checked")
    elif count > most:
        note(f"the model has {count:,} layers, of which the first {most:,} are offered: `--max-names` sets that number")


def write(path: Path, text: str) -> None:
    """Write a schema; one that is there already is replaced."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PruneconfError(f"cannot write `{path}`: {reason}; name another file with `-o`") from error
    note(f"wrote {path}")
