"""Where weights come from: a built model, or a checkpoint in one of the forms that people store."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from pruneconf.errors import PruneconfError
from pruneconf.pruning.filearray import FileArray, InputFile
from pruneconf.pruning.otherfiles import files_below
from pruneconf.pruning.tensorfile import CODES, Tensor, from_torch, read_tensors
from pruneconf.pruning.tensors import Kind
from pruneconf.shards import check_places, read_index
from pruneconf.suggest import like_file

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"

_PICKLES = (".pt", ".pth", ".bin", ".ckpt")
_WEIGHT_FILES = (".safetensors", ".index.json", *_PICKLES, ".h5", ".msgpack", ".onnx", ".gguf", ".ot")
_NESTED = ("state_dict", "model_state_dict", "model")
"""Under which keys training scripts put the state dict into what they save."""


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """One file of a checkpoint: the name it will have when written, its tensors in file order, its metadata.

    `source` is the file that it is all of, if there is one: a header, then one tensor after another.
    """

    file: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=lambda: {"format": "pt"})
    source: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Named tensors in one or several files.

    `source` is what messages call it. `index` is the text of the index file where there are several shards. `inputs`
    are the files it was read from. `folder` is set for a directory: its other files (configuration, tokenizer) belong
    to the checkpoint.
    """

    source: str
    shards: tuple[Shard, ...]
    index: bytes | None = None
    inputs: tuple[Path, ...] = ()
    folder: Path | None = None

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name."""
        return {name: tensor for shard in self.shards for name, tensor in shard.tensors.items()}

    @property
    def kinds(self) -> dict[str, Kind]:
        """Dtype and shape of all tensors by name."""
        return {name: tensor.kind for name, tensor in self.tensors.items()}


Source = torch.nn.Module | Path
"""A built model, or the path of a checkpoint."""


def open_checkpoint(source: Source) -> Checkpoint:
    """The tensors of a model (its state dict) or of a file or directory.

    Reads `.safetensors`, `*.safetensors.index.json` or `*.bin.index.json` with its shards, a directory with one of them
    (as transformers writes it), and what `torch.save(model.state_dict(), ...)` wrote, the last without running code
    from it (`weights_only=True`). Tensors of safetensors files are read when they are needed. Raises PruneconfError
    where there is nothing to read or it is damaged.
    """
    if isinstance(source, torch.nn.Module):
        return _from_state_dict("the model", source.state_dict())
    if not source.exists():
        raise PruneconfError(f"there is no `{source}`; {like_file(str(source))}")
    if source.is_dir():
        return _from_folder(source)
    if not source.is_file():
        raise PruneconfError(f"`{source}` is no file that can be read twice; write the checkpoint to a disk first")
    if source.name.endswith(".bin.index.json"):
        return _from_pickle_index(source)
    if source.name.endswith(".index.json"):
        return _from_index(source)
    if source.suffix == ".safetensors":
        tensors, metadata = read_tensors(source)
        return Checkpoint(f"`{source}`", (Shard(WEIGHTS_FILE, tensors, metadata, source),), inputs=(source,))
    if source.suffix in _PICKLES:
        return _from_pickle(source)
    raise PruneconfError(
        f"`{source}` is no checkpoint; expected a directory, `.safetensors`, `.safetensors.index.json` or `.pt`"
    )


def other_files(folder: Path) -> list[Path]:
    """The files of a checkpoint's directory that hold no weights, relative to it; hidden ones are left out.

    Raises PruneconfError where one cannot be copied.
    """
    return [path.relative_to(folder) for path in files_below(folder, _WEIGHT_FILES)]


def left_out(folder: Path, known: Collection[str]) -> list[str]:
    """The files of a checkpoint's directory that may hold weights and are therefore not copied, without those known."""
    return [
        path.name
        for path in sorted(folder.iterdir())
        if path.name.endswith(_WEIGHT_FILES) and path.name not in known and path.is_file()
    ]


def _from_folder(folder: Path) -> Checkpoint:
    for name in (INDEX_FILE, WEIGHTS_FILE, "pytorch_model.bin.index.json", "pytorch_model.bin"):
        if (folder / name).is_file():
            found = open_checkpoint(folder / name)
            return Checkpoint(f"`{folder}`", found.shards, found.index, found.inputs, folder)
    raise PruneconfError(
        f"`{folder}` is no checkpoint; expected `{WEIGHTS_FILE}`, `{INDEX_FILE}` or `pytorch_model.bin` in it"
    )


def _from_index(path: Path) -> Checkpoint:
    text, weight_map = read_index(path)
    files = sorted(set(weight_map.values()))
    shards = []
    for file in files:
        tensors, metadata = read_tensors(path.parent / file)
        shards.append(Shard(file, tensors, metadata, path.parent / file))
    where = {name: shard.file for shard in shards for name in shard.tensors}
    check_places(path, weight_map, where)
    inputs = (path, *(path.parent / file for file in files))
    return Checkpoint(f"`{path}`", tuple(shards), text, inputs)


def _from_pickle_index(path: Path) -> Checkpoint:
    """Shards that `torch.save` wrote; they become safetensors shards, and the index names those."""
    text, weight_map = read_index(path, ".bin")
    files = sorted(set(weight_map.values()))
    names = {file: file.replace("pytorch_model", "model").removesuffix(".bin") + ".safetensors" for file in files}
    shards = tuple(Shard(names[file], _from_pickle(path.parent / file).shards[0].tensors) for file in files)
    where = {name: file for file, shard in zip(files, shards, strict=True) for name in shard.tensors}
    check_places(path, weight_map, where)
    index = json.loads(text) | {"weight_map": {name: names[file] for name, file in weight_map.items()}}
    written = json.dumps(index, indent=2).encode()
    return Checkpoint(f"`{path}`", shards, written, (path, *(path.parent / file for file in files)))


def _from_pickle(path: Path) -> Checkpoint:
    tensors: dict[str, Tensor | None] = {}
    if zipfile.is_zipfile(path):
        file = InputFile(path)
        with FakeTensorMode():  # no elements are read, but where they are is found out
            tensors = {name: _in_file(file, tensor) for name, tensor in _widest_first(path, _loaded(path))}
    if not tensors or None in tensors.values():
        found = {name: from_torch(name, tensor) for name, tensor in _widest_first(path, _loaded(path))}
    else:
        found = {name: tensor for name, tensor in tensors.items() if tensor}
    return Checkpoint(f"`{path}`", (Shard(WEIGHTS_FILE, found),), inputs=(path,))


def _in_file(file: InputFile, tensor: torch.Tensor) -> Tensor | None:
    """A tensor of a zip file as `torch.save` writes it, if it is there as it will be written."""
    if tensor.layout is not torch.strided or not tensor.is_contiguous() or tensor.is_conj() or tensor.is_neg():
        return None
    code, size = CODES.get(tensor.dtype), tensor.nbytes
    start: int | None = tensor.untyped_storage()._checkpoint_offset  # noqa: SLF001 - set by torch.load
    if code is None or start is None:
        return None
    offset = start + int(tensor.storage_offset()) * tensor.element_size()
    if offset + size > file.size:
        raise PruneconfError(f"`{file.path}` is damaged: it ends too early; copy or write it again")
    return Tensor(code, tuple(tensor.shape), FileArray(file, offset, size, np.dtype(np.uint8)))


def _loaded(path: Path) -> dict[str, torch.Tensor]:
    try:
        with warnings.catch_warnings(action="ignore"):
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PruneconfError(f"cannot read `{path}`: {reason}; check the path") from error
    except pickle.UnpicklingError as error:
        raise PruneconfError(
            f"cannot read `{path}` as a state dict without running code from it; "
            "write it with `torch.save(model.state_dict(), path)`"
        ) from error
    except Exception as error:
        raise PruneconfError(f"`{path}` is damaged or nothing that torch saved; copy or write it again") from error
    state = _state_dict(loaded)
    if state is None:
        raise PruneconfError(f"`{path}` holds no state dict; write it with `torch.save(model.state_dict(), path)`")
    return state


def _state_dict(loaded: Any) -> dict[str, torch.Tensor] | None:
    if not isinstance(loaded, dict):
        return None
    if loaded and all(isinstance(k, str) and isinstance(value, torch.Tensor) for k, value in loaded.items()):
        return loaded
    return next((found for key in _NESTED if (found := _state_dict(loaded.get(key))) is not None), None)


def _from_state_dict(source: str, state: Mapping[str, Any]) -> Checkpoint:
    tensors = {name: from_torch(name, tensor) for name, tensor in _widest_first(source, state)}
    return Checkpoint(source, (Shard(WEIGHTS_FILE, tensors),))


def _widest_first(source: str | Path, state: Mapping[str, Any]) -> list[tuple[str, torch.Tensor]]:
    """The tensors of a state dict in an order that keeps all of them aligned."""
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            where = f"`{source}`" if isinstance(source, Path) else source
            raise PruneconfError(
                f"`{name}` of {where} is no tensor, and safetensors holds nothing else; remove it first"
            )
    return sorted(state.items(), key=lambda item: -item[1].element_size())
