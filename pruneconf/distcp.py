"""The `.metadata` of what torch.distributed.checkpoint wrote: which tensors there are, and where their parts are.

It is a pickle. None of the code that it names is run, and torch is not needed: objects of torch's classes become
records of what was put into them, and a class that torch's own writer does not use is refused.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from pruneconf.errors import PruneconfError
from pruneconf.pickled import check_memo

METADATA_FILE = ".metadata"
SUFFIX = ".distcp"

NESTED = ("state_dict", "model_state_dict", "model", "app")
"""Under which keys training scripts put the state dict into what they save; `app` is that of torch's own tutorials."""

_PYTHON_STATE = "_extra_state"
"""How the names of Python objects end that modules put into their state dicts."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A box of a tensor: its first indices, its shape, and which bytes of which file hold it, as of `torch.save`."""

    starts: tuple[int, ...]
    shape: tuple[int, ...]
    file: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in parts; `dtype` as torch calls it (`float32`), `key` as `.metadata` does."""

    key: str
    dtype: str
    shape: tuple[int, ...]
    parts: tuple[StoredPart, ...]


class _Record:
    """What an object of a class of torch was made of: its attributes are the same."""

    def __init__(self, *_: object) -> None: ...

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]


class _Packed(_Record):
    """One that was not made of attributes."""

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Tensor(_Record):
    """A `TensorStorageMetadata`."""


class _Entry(NamedTuple):
    """What `.metadata` has under a key."""

    key: str
    kind: _Record


_CHECKPOINT = "torch.distributed.checkpoint.metadata"
_BEFORE_2_3 = "torch.distributed._shard.sharded_tensor.metadata"
_KNOWN: Mapping[tuple[str, str], Any] = {
    (_CHECKPOINT, "TensorStorageMetadata"): _Tensor,
    ("builtins", "getattr"): _Record,  # by which Python 3.11.0 to 3.11.3 names the members of enums
    ("__builtin__", "getattr"): _Record,  # the same in old protocols
    ("torch", "Size"): tuple,
    ("collections", "OrderedDict"): dict,
    ("torch.serialization", "_get_layout"): _Record,
    ("torch.distributed.checkpoint.filesystem", "_StorageInfo"): _Record,
    **{
        (_CHECKPOINT, name): _Record
        for name in (
            "BytesStorageMetadata",
            "ChunkStorageMetadata",
            "Metadata",
            "MetadataIndex",
            "StorageMeta",
            "_MEM_FORMAT_ENCODING",
        )
    },
    (_CHECKPOINT, "TensorProperties"): _Packed,
    (_BEFORE_2_3, "TensorProperties"): _Packed,
    (_BEFORE_2_3, "MEM_FORMAT_ENCODING"): _Record,
    **{
        (module, name): _Record
        for module in ("pathlib", "pathlib._local")
        for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    },
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, path: Path, data: bytes) -> None:
        super().__init__(BytesIO(data))
        self._path = path

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) in _KNOWN:
            return _KNOWN[module, name]
        if module == "torch" and name.isidentifier():
            return name  # a dtype
        raise PruneconfError(
            f"`{self._path}` names `{module}.{name}`, which torch's own writer does not, and whose code is not run; "
            "save the checkpoint with its FileSystemWriter"
        )


def read_metadata(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a model's state dict in a checkpoint, by name, from its `.metadata`.

    The state dict is what stands under one of the `NESTED` keys, else the tensors outside of all dicts. Optimizers and
    Python objects beside it are left out. Raises PruneconfError where the file cannot be read, is damaged, asks for
    code to be run, or where the parts of a tensor do not make it up or are not in files beside it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PruneconfError(f"cannot read `{path}`: {reason}; check the path") from error
    try:
        check_memo(data)
        return _tensors(path, _Unpickler(path, data).load())
    except PruneconfError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise PruneconfError(
            f"`{path}` is damaged or not from torch.distributed.checkpoint; copy or save the checkpoint again"
        ) from error


def _tensors(path: Path, metadata: _Record) -> dict[str, StoredTensor]:
    places = {(index["fqn"], vars(index).get("offset")): info for index, info in metadata["storage_data"].items()}
    tensors: dict[str, StoredTensor] = {}
    for name, entry in (_state_dict(_tree(metadata)) or {}).items():
        if _is_tensor(entry):
            tensors[name] = _tensor(path, entry, places)
        elif name.endswith(_PYTHON_STATE):
            raise PruneconfError(
                f"`{name}` of `{path}` is no tensor, and safetensors holds nothing else; remove it first"
            )
    if not tensors:
        raise PruneconfError(f"`{path}` names no tensors of a model; save its state dict under the key `model`")
    for file in sorted({part.file for tensor in tensors.values() for part in tensor.parts}):
        if PurePath(file).name != file or not file.endswith(SUFFIX):
            raise PruneconfError(f"`{path}` names the file `{file}`; expected a `{SUFFIX}` file beside it")
        if not (path.parent / file).is_file():
            raise PruneconfError(f"`{path}` names the file `{file}`, which is missing; put it beside `{path.name}`")
    return tensors


def _tree(metadata: _Record) -> dict[str, Any]:
    """The dicts that were saved, with an entry in place of each value."""
    paths = vars(metadata).get("planner_data") or {}
    tree: dict[str, Any] = {}
    for key, kind in metadata["state_dict_metadata"].items():
        *above, name = paths.get(key, (key,))
        level = tree
        for each in above:
            level = level.setdefault(str(each), {})
        level[str(name)] = _Entry(key, kind)
    return tree


def _is_tensor(value: Any) -> bool:
    return isinstance(value, _Entry) and isinstance(value.kind, _Tensor)


def _state_dict(level: dict[str, Any]) -> dict[str, Any] | None:
    """The dict with the tensors of the model, and what else stands in it."""
    for key in NESTED:
        if isinstance(level.get(key), dict) and (found := _state_dict(level[key])):
            return found
    return level if any(map(_is_tensor, level.values())) else None


def _tensor(path: Path, entry: _Entry, places: Mapping[tuple[str, Any], _Record]) -> StoredTensor:
    shape = sizes_of(entry.kind["size"])
    parts = []
    for chunk in entry.kind["chunks"]:
        starts, part = sizes_of(chunk["offsets"]), sizes_of(chunk["sizes"])
        if prod(part):
            parts.append(_part(path, entry.key, starts, part, places[entry.key, chunk["offsets"]]))
    if not _make_up(shape, parts):
        raise PruneconfError(
            f"`{path}` is damaged: the parts of `{entry.key}` do not make up its shape {list(shape)}; "
            "copy or save the checkpoint again"
        )
    dtype = entry.kind["properties"]["state"][0]
    if not isinstance(dtype, str):
        raise TypeError
    return StoredTensor(entry.key, dtype, shape, tuple(parts))


def _part(path: Path, key: str, starts: tuple[int, ...], shape: tuple[int, ...], info: _Record) -> StoredPart:
    file, (offset, length) = info["relative_path"], sizes_of((info["offset"], info["length"]))
    if transforms := vars(info).get("transform_descriptors"):
        raise PruneconfError(
            f"`{path}` says that `{key}` is stored through the extension `{transforms[0]}`; save it without extensions"
        )
    return StoredPart(starts, shape, file, offset, length)


def sizes_of(numbers: Iterable[Any]) -> tuple[int, ...]:
    """Numbers that are no less than zero."""
    found = tuple(numbers)
    if not all(type(number) is int and number >= 0 for number in found):
        raise TypeError
    return found


def _make_up(shape: tuple[int, ...], parts: Sequence[StoredPart]) -> bool:
    """Whether boxes fill a tensor without gaps and overlaps."""
    if any(len(part.starts) != len(shape) or len(part.shape) != len(shape) for part in parts):
        return False
    boxes = [tuple((at, at + size) for at, size in zip(part.starts, part.shape, strict=True)) for part in parts]
    if any(stop > size for box in boxes for (_, stop), size in zip(box, shape, strict=True)):
        return False
    return sum(prod(part.shape) for part in parts) == prod(shape) and not _overlap(boxes)


def _overlap(boxes: Sequence[tuple[tuple[int, int], ...]]) -> bool:
    if len(boxes) < 2:  # noqa: PLR2004 - two can overlap
        return False
    # along the axis with the most cuts, few boxes are side by side
    axis = max(range(len(boxes[0])), key=lambda axis: len({box[axis] for box in boxes}))
    near: list[tuple[tuple[int, int], ...]] = []
    for box in sorted(boxes, key=lambda box: box[axis]):
        near = [other for other in near if other[axis][1] > box[axis][0]]
        if any(all(a < d and c < b for (a, b), (c, d) in zip(box, other, strict=True)) for other in near):
            return True
        near.append(box)
    return False
