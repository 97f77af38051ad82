"""Where weights come from: a built model, or a checkpoint in one of the forms that people store."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from pruneconf.distcp import METADATA_FILE, NESTED, SUFFIX
from pruneconf.errors import PruneconfError
from pruneconf.pruning.dcp import distcp_tensors
from pruneconf.pruning.filearray import InputFile
from pruneconf.pruning.otherfiles import files_below
from pruneconf.pruning.partedarray import joined, part_of
from pruneconf.pruning.tensorfile import CODES, Tensor, from_torch, read_tensors
from pruneconf.pruning.tensors import Kind
from pruneconf.pruning.torchsave import stored_plainly
from pruneconf.shards import check_places, read_index
from pruneconf.suggest import like_file

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"

_PICKLES = (".pt", ".pth", ".bin", ".ckpt")
_WEIGHT_FILES = (
    ".safetensors",
    ".index.json",
    *_PICKLES,
    ".h5",
    ".msgpack",
    ".onnx",
    ".gguf",
    ".ot",
    SUFFIX,
    METADATA_FILE,
)
_TAKEN = frozenset({"masks.safetensors", "compact.safetensors"})
"""What else a run may write beside shards."""
_SHARD = 5_000_000_000
"""About how many bytes of weights a shard has at the most that is made of a checkpoint with another layout."""


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
    (as transformers writes it), what `torch.save(model.state_dict(), ...)` wrote, and the directories of
    torch.distributed.checkpoint (or the `.metadata` in one), the last two without running code from them. Tensors in
    files are read when they are needed. Raises PruneconfError where there is nothing to read or it is damaged.
    """
    if isinstance(source, torch.nn.Module):
        return _from_state_dict("the model", source.state_dict())
    if not source.exists():
        raise PruneconfError(f"there is no `{source}`; {like_file(str(source))}")
    if source.is_dir():
        return _from_folder(source)
    if not source.is_file():
        raise PruneconfError(f"`{source}` is no file that can be read twice; write the checkpoint to a disk first")
    for ending, read in _READERS.items():
        if source.name.endswith(ending):
            return read(source)
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
    for name in (INDEX_FILE, WEIGHTS_FILE, "pytorch_model.bin.index.json", "pytorch_model.bin", METADATA_FILE):
        if (folder / name).is_file():
            found = open_checkpoint(folder / name)
            return Checkpoint(f"`{folder}`", found.shards, found.index, found.inputs, folder)
    if any(folder.glob(f"*{SUFFIX}")):
        raise PruneconfError(
            f"`{folder}` has `{SUFFIX}` files but no `{METADATA_FILE}`, which is written last; save or copy it again"
        )
    raise PruneconfError(
        f"`{folder}` is no checkpoint; expected `{WEIGHTS_FILE}`, `{INDEX_FILE}`, `pytorch_model.bin` or "
        f"`{METADATA_FILE}` in it"
    )


def _from_safetensors(path: Path) -> Checkpoint:
    tensors, metadata = read_tensors(path)
    return Checkpoint(f"`{path}`", (Shard(WEIGHTS_FILE, tensors, metadata, path),), inputs=(path,))


def _from_index(path: Path) -> Checkpoint:
    text, weight_map = read_index(path)
    files = sorted(set(weight_map.values()))
    shards = []
    for file in files:
        tensors, metadata = read_tensors(path.parent / file)
        shards.append(Shard(file, tensors, metadata, path.parent / file))
    check_places(path, weight_map, [(shard.file, shard.tensors) for shard in shards])
    _check_names(path, files)
    inputs = (path, *(path.parent / file for file in files))
    return Checkpoint(f"`{path}`", tuple(shards), text, inputs)


def _check_names(path: Path, files: Collection[str]) -> None:
    """Raise PruneconfError where shards cannot have these names beside what else is written."""
    taken = sorted(_TAKEN.intersection(files)) or [file for file in sorted(files) if list(files).count(file) > 1]
    if taken:
        raise PruneconfError(
            f"a shard of `{path}` would be written as `{taken[0]}`, as is another file; rename it there and on the disk"
        )


def _from_pickle_index(path: Path) -> Checkpoint:
    """Shards that `torch.save` wrote; they become safetensors shards, and the index names those."""
    text, weight_map = read_index(path, ".bin")
    files = sorted(set(weight_map.values()))
    names = {file: file.replace("pytorch_model", "model").removesuffix(".bin") + ".safetensors" for file in files}
    shards = tuple(Shard(names[file], _from_pickle(path.parent / file).shards[0].tensors) for file in files)
    check_places(path, weight_map, [(file, shard.tensors) for file, shard in zip(files, shards, strict=True)])
    _check_names(path, names.values())
    index = json.loads(text) | {"weight_map": {name: names[file] for name, file in weight_map.items()}}
    written = json.dumps(index, indent=2).encode()
    return Checkpoint(f"`{path}`", shards, written, (path, *(path.parent / file for file in files)))


def _from_distcp(path: Path) -> Checkpoint:
    """What torch.distributed.checkpoint wrote becomes one file, or, where that would be large, shards and an index."""
    tensors, files = distcp_tensors(path)
    inputs, total = (path, *files), sum(tensor.data.size for tensor in tensors.values())
    groups = _grouped(tensors, total)
    if len(groups) == 1:
        return Checkpoint(f"`{path}`", (Shard(WEIGHTS_FILE, groups[0]),), inputs=inputs)
    names = [f"model-{number:05}-of-{len(groups):05}.safetensors" for number in range(1, len(groups) + 1)]
    shards = tuple(Shard(name, group) for name, group in zip(names, groups, strict=True))
    weight_map = {name: shard.file for shard in shards for name in shard.tensors}
    index = json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}, indent=2).encode()
    return Checkpoint(f"`{path}`", shards, index, inputs)


def _grouped(tensors: Mapping[str, Tensor], total: int) -> list[dict[str, Tensor]]:
    """Tensors of `total` bytes in groups of about the same size."""
    count, done = max(1, -(-total // _SHARD)), 0
    groups: list[dict[str, Tensor]] = [{} for _ in range(count)]
    for name, tensor in tensors.items():
        groups[min(done * count // max(1, total), count - 1)][name] = tensor
        done += tensor.data.size
    return [group for group in groups if group]


def _from_pickle(path: Path) -> Checkpoint:
    tensors: dict[str, Tensor | None] = {}
    if plain := _is_plain(path):
        file = InputFile(path)
        with FakeTensorMode():  # no elements are read, but where they are is found out
            tensors = {name: _in_file(file, tensor) for name, tensor in _widest_first(path, _loaded(path, mmap=True))}
    if not tensors or None in tensors.values():
        found = {name: from_torch(name, tensor) for name, tensor in _widest_first(path, _loaded(path, mmap=plain))}
    else:
        found = {name: tensor for name, tensor in tensors.items() if tensor}
    return Checkpoint(f"`{path}`", (Shard(WEIGHTS_FILE, found),), inputs=(path,))


def _is_plain(path: Path) -> bool:
    """Whether a file holds elements as they will be written."""
    try:
        return zipfile.is_zipfile(path) and stored_plainly(path)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return False  # torch will say what is wrong


def _in_file(file: InputFile, tensor: torch.Tensor) -> Tensor | None:
    """A tensor of a zip file as `torch.save` writes it, if its elements are there as they will be written."""
    code, shape, width = CODES.get(tensor.dtype), tuple(tensor.shape), tensor.element_size()
    part = part_of(tensor, (0,) * tensor.ndim, file)
    if code is None or part is None:
        return None
    if part.offset + part.span(width) > file.size:
        raise PruneconfError(f"`{file.path}` is damaged: it ends too early; copy or write it again")
    return Tensor(code, shape, joined(shape, [part], width))


def _loaded(path: Path, *, mmap: bool) -> dict[str, torch.Tensor]:
    try:
        with warnings.catch_warnings(action="ignore"):
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
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
    return next((found for key in NESTED if (found := _state_dict(loaded.get(key))) is not None), None)


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


_READERS: Mapping[str, Callable[[Path], Checkpoint]] = {
    ".bin.index.json": _from_pickle_index,
    ".index.json": _from_index,
    ".safetensors": _from_safetensors,
    METADATA_FILE: _from_distcp,
    **dict.fromkeys(_PICKLES, _from_pickle),
}
"""What reads files whose names end so."""
