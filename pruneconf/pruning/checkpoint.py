"""Where weights come from: a built model, or a checkpoint in one of the forms that people store."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from pruneconf.errors import PruneconfError
from pruneconf.pruning.tensorfile import Tensor, from_torch, read_tensors
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
    """One file of a checkpoint: the name it will have when written, its tensors in file order, its metadata."""

    file: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=lambda: {"format": "pt"})


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
    if source.name.endswith(".bin.index.json"):
        return _from_pickle_index(source)
    if source.name.endswith(".index.json"):
        return _from_index(source)
    if source.suffix == ".safetensors":
        tensors, metadata = read_tensors(source)
        return Checkpoint(f"`{source}`", (Shard(WEIGHTS_FILE, tensors, metadata),), inputs=(source,))
    if source.suffix in _PICKLES:
        return _from_pickle(source)
    raise PruneconfError(
        f"`{source}` is no checkpoint; expected a directory, `.safetensors`, `.safetensors.index.json` or `.pt`"
    )


def other_files(folder: Path) -> list[Path]:
    """The files of a checkpoint's directory that hold no weights, relative to it; hidden ones are left out."""
    found = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        path
        for path in found
        if not any(part.startswith(".") for part in path.parts)
        and not (len(path.parts) == 1 and path.name.endswith(_WEIGHT_FILES))
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
        shards.append(Shard(file, tensors, metadata))
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
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:
        raise PruneconfError(
            f"cannot read `{path}` as a state dict without running code from it; "
            "write it with `torch.save(model.state_dict(), path)`"
        ) from error
    state = _state_dict(loaded)
    if state is None:
        raise PruneconfError(f"`{path}` holds no state dict; write it with `torch.save(model.state_dict(), path)`")
    found = _from_state_dict(f"`{path}`", state)
    return Checkpoint(found.source, found.shards, inputs=(path,))


def _state_dict(loaded: Any) -> dict[str, torch.Tensor] | None:
    if not isinstance(loaded, dict):
        return None
    if loaded and all(isinstance(k, str) and isinstance(value, torch.Tensor) for k, value in loaded.items()):
        return loaded
    return next((found for key in _NESTED if (found := _state_dict(loaded.get(key))) is not None), None)


def _from_state_dict(source: str, state: Mapping[str, Any]) -> Checkpoint:
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise PruneconfError(
                f"`{name}` of {source} is no tensor, and safetensors holds nothing else; remove it first"
            )
    widest_first = sorted(state.items(), key=lambda item: -item[1].element_size())  # keeps all of them aligned
    tensors = {name: from_torch(name, tensor) for name, tensor in widest_first}
    return Checkpoint(source, (Shard(WEIGHTS_FILE, tensors),))
