"""A checkpoint alone as MODEL: names and shapes, from the headers of its files. No weight is read and no code run."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from pruneconf.distcp import METADATA_FILE, read_metadata
from pruneconf.errors import PruneconfError
from pruneconf.graph import UNKNOWN_TYPE, Layer, ModelGraph, Module, Parameter, Weight
from pruneconf.shards import check_places, read_index
from pruneconf.tracing.result import Traced
from pruneconf.version import __version__

_FLOATS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}
_CODES = {dtype: code for code, dtype in _FLOATS.items()}
_LENGTH, _LONGEST = 8, 100_000_000
"""Bytes of the number that gives the length of a header, and how long the format lets a header be."""
_STATISTICS = ("running_mean", "running_var")
_COMPUTED = ("weight_g", "weight_orig", "parametrizations.weight.original", "parametrizations.weight.original0")
"""What weights are computed from: by weight_norm, spectral_norm or pruning, and by parametrizations."""
_MATRIX = 2


class Stored(NamedTuple):
    """A tensor as a header describes it; `dtype` as the format calls it (`F32`)."""

    dtype: str
    shape: tuple[int, ...]


def checkpoint_graph(path: Path, source: str) -> Traced:
    """The graph of what a `.safetensors` file, an index of such files, or the checkpoint of a `.metadata` file holds,
    and what it does not tell.

    A module with a floating-point `weight` is a layer; its type is `UNKNOWN_TYPE`. Layers stand in the order of their
    names, numbers by size. Raises PruneconfError where the file is damaged or a part of it missing.
    """
    tensors = _tensors(path)
    missing = (_missing(source),)
    names = _modules(tensors)
    weights = {name: tensors[_under(name, "weight")] for name in names if _is_layer(tensors, name)}
    below = Counter(above for name in weights for above in _above(name))
    graph = ModelGraph(
        source=source,
        type=UNKNOWN_TYPE,
        layers=tuple(_layer(name, weight) for name, weight in weights.items()),
        modules=tuple(
            Module(name, UNKNOWN_TYPE, _why_no_layer(tensors, name), below[name])
            for name in names
            if name not in weights
        ),
        parameters=sum(prod(tensor.shape) for name, tensor in tensors.items() if _is_parameter(name, tensor)),
        versions={"pruneconf": __version__},
        missing=missing,
        unreachable=tuple(_unreachable(tensors, weights)),
    )
    return Traced(graph, missing)


def _missing(source: str) -> str:
    return (
        f"`{source}` holds the names and shapes of layers, but not their types, nor how they are connected: "
        "what needs these is not checked; put the model's `config.json` beside it, or name the code that builds it"
    )


def _tensors(path: Path) -> dict[str, Stored]:
    if path.name.endswith(".index.json"):
        return _of_shards(path)
    if path.name == METADATA_FILE:
        stored = read_metadata(path)
        return {name: Stored(_CODES.get(each.dtype, each.dtype), each.shape) for name, each in stored.items()}
    return read_header(path)


def _of_shards(path: Path) -> dict[str, Stored]:
    _, weight_map = read_index(path)
    shards = {file: read_header(path.parent / file) for file in sorted(set(weight_map.values()))}
    check_places(path, weight_map, shards.items())
    return {name: stored for held in shards.values() for name, stored in held.items()}


def read_header(path: Path) -> dict[str, Stored]:
    """The tensors of a `.safetensors` file. Raises PruneconfError where it is damaged."""
    try:
        return _parsed(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PruneconfError(f"cannot read `{path}`: {reason}; check the path") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise PruneconfError(f"`{path}` is damaged or no safetensors file; copy or write it again") from error


def _parsed(path: Path) -> dict[str, Stored]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if length > _LONGEST:
            raise ValueError
        header = json.loads(file.read(length))
        size = file.seek(0, os.SEEK_END) - _LENGTH - length
    header.pop("__metadata__", None)
    if max((entry["data_offsets"][1] for entry in header.values()), default=0) != size:
        raise ValueError
    return {name: _stored(entry) for name, entry in header.items()}


def _stored(entry: Any) -> Stored:
    dtype, shape = entry["dtype"], tuple(entry["shape"])
    if type(dtype) is not str or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError
    return Stored(dtype, shape)


def _modules(tensors: Iterable[str]) -> list[str]:
    """The names of all modules above the tensors, and of the model itself, in natural order."""
    return sorted({""}.union(*map(_above, tensors)), key=_natural)


def _above(name: str) -> Iterator[str]:
    """The names of the modules that a module or a tensor is in."""
    while name:
        name = name.rpartition(".")[0]
        yield name


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts `layer.2` before `layer.10`, and a module before what is in it."""
    parts = re.findall(r"\d+|\D+", name.replace(".", "\0"))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _under(module: str, name: str) -> str:
    return f"{module}.{name}" if module else name


def _is_layer(tensors: Mapping[str, Stored], module: str) -> bool:
    weight = tensors.get(_under(module, "weight"))
    return weight is not None and weight.dtype in _FLOATS


def _layer(name: str, weight: Stored) -> Layer:
    return Layer(name, UNKNOWN_TYPE, weight.shape, _FLOATS[weight.dtype], _under(name, "weight"))


def _why_no_layer(tensors: Mapping[str, Stored], module: str) -> Weight:
    if _under(module, "weight") in tensors:
        return Weight.NOT_FLOAT
    return Weight.COMPUTED if any(_under(module, name) in tensors for name in _COMPUTED) else Weight.NONE


def _is_parameter(name: str, tensor: Stored) -> bool:
    return tensor.dtype in _FLOATS and name.rpartition(".")[2] not in _STATISTICS


def _unreachable(tensors: Mapping[str, Stored], weights: Mapping[str, Stored]) -> Iterator[Parameter]:
    taken = {_under(name, "weight") for name in weights}
    for name in sorted(tensors, key=_natural):
        tensor = tensors[name]
        if name not in taken and len(tensor.shape) >= _MATRIX and _is_parameter(name, tensor):
            yield Parameter(name, tensor.shape, UNKNOWN_TYPE)
