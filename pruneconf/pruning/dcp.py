"""Checkpoints that torch.distributed.checkpoint wrote, without reading their elements: `.metadata` says which parts of
tensors are where in the `.distcp` files, each as `torch.save` writes a tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import SEEK_CUR, SEEK_END, RawIOBase
from operator import add
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from pruneconf.distcp import StoredPart, StoredTensor, read_metadata
from pruneconf.errors import PruneconfError
from pruneconf.pruning.filearray import InputFile
from pruneconf.pruning.partedarray import Part, joined, part_of
from pruneconf.pruning.tensorfile import CODES, Tensor
from pruneconf.pruning.torchsave import SavedTensor, saved_tensor, stored_plainly

_WIDTHS = {code: dtype.itemsize for dtype, code in CODES.items()}


def distcp_tensors(path: Path) -> tuple[dict[str, Tensor], list[Path]]:
    """The tensors of the state dict that a `.metadata` file describes, not read yet, and the files that they are in.

    They come in an order that keeps all of them aligned. Raises PruneconfError where there is no state dict, or one of
    the files is missing or damaged.
    """
    stored = read_metadata(path)
    names = sorted({part.file for tensor in stored.values() for part in tensor.parts})
    files = {name: InputFile(path.parent / name) for name in names}
    tensors = {name: _tensor(path, tensor, files) for name, tensor in stored.items()}
    widest_first = sorted(tensors.items(), key=lambda item: -_WIDTHS[item[1].code])
    return dict(widest_first), [file.path for file in files.values()]


def _tensor(path: Path, stored: StoredTensor, files: Mapping[str, InputFile]) -> Tensor:
    dtype = getattr(torch, stored.dtype, None)
    if dtype not in CODES:
        raise PruneconfError(
            f"`{stored.key}` of `{path}` is a {stored.dtype} tensor that safetensors cannot hold; convert it first"
        )
    parts = [_part(path, stored, part, files[part.file]) for part in stored.parts]
    return Tensor(CODES[dtype], stored.shape, joined(stored.shape, parts, dtype.itemsize))


def _part(path: Path, whole: StoredTensor, stored: StoredPart, file: InputFile) -> Part:
    if stored.offset + stored.length > file.size:
        raise PruneconfError(f"`{file.path}` is damaged: it ends before `{whole.key}` does; copy or save it again")
    saved = saved_tensor(file, stored.offset, stored.length) or _loaded(whole, stored, file)
    if (saved.dtype, saved.shape) != (whole.dtype, stored.shape):
        raise PruneconfError(
            f"`{file.path}` has a part of `{whole.key}` of dtype {saved.dtype} and shape {list(saved.shape)}, where "
            f"`{path}` expects {whole.dtype} and {list(stored.shape)}; copy or save the checkpoint again"
        )
    stops = tuple(map(add, stored.starts, stored.shape))
    part = Part(stored.starts, stops, file, saved.offset, saved.strides)
    if part.offset + part.span(getattr(torch, saved.dtype).itemsize) > stored.offset + stored.length:
        raise PruneconfError(
            f"`{file.path}` is damaged: a part of `{whole.key}` is too short; copy or save the checkpoint again"
        )
    return part


def _loaded(whole: StoredTensor, stored: StoredPart, file: InputFile) -> SavedTensor:
    """What torch makes of a part that is not just as usual."""
    try:
        tensor = _load(stored, file)
        part = None if tensor is None else part_of(tensor, stored.starts, file, stored.offset)
    except PruneconfError:
        raise
    except Exception as error:
        raise PruneconfError(
            f"`{file.path}` is damaged: at byte {stored.offset} there is no part of `{whole.key}`; "
            "copy or save the checkpoint again"
        ) from error
    if tensor is None:
        raise PruneconfError(
            f"`{file.path}` holds `{whole.key}` in another way than torch writes it (packed by another tool, or in "
            "another machine's byte order); load the checkpoint with torch and save it again"
        )
    if part is None:
        raise PruneconfError(
            f"`{file.path}` holds `{whole.key}` as a view that has to be computed; save a dense tensor"
        )
    return SavedTensor(str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape), part.strides, part.offset)


def _load(stored: StoredPart, file: InputFile) -> torch.Tensor | None:
    """A part without its elements; None where they are not in the file as they are in memory."""
    item: Any = _View(file, stored.offset, stored.length)
    if not stored_plainly(item):
        return None
    item.seek(0)
    with FakeTensorMode():
        tensor: torch.Tensor = torch.load(item, map_location="cpu", weights_only=True)
    return tensor


class _View(RawIOBase):
    """A stretch of a file, as a file."""

    def __init__(self, file: InputFile, offset: int, size: int) -> None:
        self._file, self._offset, self._size, self._at = file, offset, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = offset + {SEEK_CUR: self._at, SEEK_END: self._size}.get(whence, 0)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        here = memoryview(buffer)[: max(0, self._size - self._at)]
        self._file.read(self._offset + self._at, here)
        self._at += len(here)
        return len(here)
