"""Where the elements of a tensor are that `torch.save` wrote: a zip archive of records that are stored as they are, of
which `data.pkl` describes the tensor and `data/0` has its elements.

`torch.load` finds that out too, but takes half a millisecond, and some checkpoints have hundreds of thousands of parts.
"""

from __future__ import annotations

import pickle
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import prod
from pathlib import Path
from struct import Struct
from typing import IO, Any, NamedTuple
from zipfile import ZipFile, ZipInfo

from pruneconf.distcp import sizes_of
from pruneconf.errors import PruneconfError
from pruneconf.pickled import check_memo
from pruneconf.pruning.filearray import InputFile
from pruneconf.pruning.tensorfile import CODES

_ENDS = 2048
"""How many bytes hold all of an archive that stands before the elements, and all that stands behind them."""
_KINDS = 1 << 12
"""How many descriptions are remembered: tensors of one shape have the same."""

# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16
_LOCAL = Struct("<4s5H3L2H")
_ENTRY = Struct("<4s6H3L5H2L")
_END = Struct("<4sQHHLLQQQQ4sLQL4sHHHHLLH")
_USUAL_FLAGS = 0x0808
"""Sizes stand behind the record too, and names are UTF-8."""

_SIZES_BEHIND, _WIDE, _ALIGNMENT = 8, 0xFFFFFFFF, 64
"""The first flag of those; from which size on numbers have 8 bytes; what the places of records are multiples of."""

_FOLDER = "archive"
_TEXTS = ("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id")
_KNOWN = {"data.pkl", "data/0", *_TEXTS}
_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
}
_WIDTHS = {str(dtype).removeprefix("torch."): dtype.itemsize for dtype in CODES}


@dataclass(frozen=True, slots=True)
class SavedTensor:
    """A tensor in a file: `dtype` as torch calls it (`float32`), `strides` in bytes, its first element at `offset`."""

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


def stored_plainly(archive: Path | IO[bytes]) -> bool:
    """Whether what `torch.save` wrote holds elements as they are in memory, and where torch takes them to be: they are
    not compressed, and their bytes are in this machine's order. torch does not look at that when it only finds out
    where elements are, but computes where its own writer puts them. Raises what `zipfile` does about damage.
    """
    with ZipFile(archive) as opened:
        entries = {entry.filename.partition("/")[2]: entry for entry in opened.infolist()}
        order = opened.read(entries["byteorder"]).decode() if "byteorder" in entries else sys.byteorder
        data = [entry for name, entry in entries.items() if name.startswith("data/")]
        if order != sys.byteorder or any(entry.compress_type for entry in data):
            return False
        return ".format_version" not in entries or _in_sequence(opened, data)


def _in_sequence(opened: ZipFile, data: Sequence[ZipInfo]) -> bool:
    """Whether records are where torch's writer puts them: one after the other, in the order of their numbers."""
    at = None
    for number, entry in enumerate(sorted(data, key=lambda entry: entry.header_offset)):
        if not entry.filename.endswith(f"/data/{number}") or entry.header_offset != (at or entry.header_offset):
            return False
        with opened.open(entry):  # checks the local header
            begin = _begin(opened.fp, entry.header_offset)
        if begin % _ALIGNMENT or (entry.file_size and not entry.flag_bits & _SIZES_BEHIND):
            return False
        wide = max(entry.file_size, entry.header_offset) >= _WIDE
        at = begin + entry.file_size + ((24 if wide else 16) if entry.file_size else 0)
    return True


def _begin(file: IO[bytes] | None, at: int) -> int:
    """Where a record begins whose local header is here."""
    if file is None:
        raise ValueError("the archive is closed")
    file.seek(at)
    *_, name_size, extra = _LOCAL.unpack(file.read(_LOCAL.size))
    begin: int = at + _LOCAL.size + name_size + extra
    return begin


class _UnusualError(Exception):
    """An archive is not as `torch.save` writes that of one dense tensor."""


def saved_tensor(file: InputFile, offset: int, length: int) -> SavedTensor | None:
    """The tensor in these bytes of a file, without running code from them; None where they are not just as `torch.save`
    writes a dense tensor of less than 4 GiB, so that only `torch.load` can tell.
    """
    try:
        archive = _Archive(file, offset, length)
        texts = {name: archive.content(name).decode() for name in _TEXTS if name in archive.places}
        described = _described(archive.content("data.pkl"))
        if texts["version"] != "3\n" or texts.get("byteorder", sys.byteorder) != sys.byteorder:
            return None
        if archive.places["data/0"].size != described.size:
            return None
        first = offset + archive.begin("data/0") + described.first
        return SavedTensor(described.dtype, described.shape, described.strides, first)
    except PruneconfError:
        raise
    except Exception:  # noqa: BLE001 - damage can be anything, and is torch's to explain
        return None


class _Place(NamedTuple):
    """Where the local header of a record is, how many bytes it has, and their checksum."""

    at: int
    size: int
    crc: int


class _Archive:
    """A zip archive in a file, of which the first and the last bytes are read."""

    def __init__(self, file: InputFile, offset: int, length: int) -> None:
        whole = length <= 2 * _ENDS
        self._head = _read(file, offset, length if whole else _ENDS)
        self._skipped = 0 if whole else length - _ENDS
        self._tail = self._head if whole else _read(file, offset + self._skipped, _ENDS)
        self.places = self._places(length)

    def content(self, name: str) -> bytes:
        """What a record holds."""
        place = self.places[name]
        found = self._slice(self.begin(name), place.size)
        if zlib.crc32(found) != place.crc:
            raise _UnusualError
        return found

    def begin(self, name: str) -> int:
        """Where what a record holds begins."""
        place = self.places[name]
        signature, *_, name_size, extra = _LOCAL.unpack(self._slice(place.at, _LOCAL.size))
        begin: int = place.at + _LOCAL.size + name_size + extra
        if signature != b"PK\3\4" or begin + place.size > self._directory:
            raise _UnusualError
        return begin

    def _places(self, length: int) -> Mapping[str, _Place]:
        end = self._slice(length - _END.size, _END.size)
        _, _, made, needed, _, _, count, _, size, at, *_ = _END.unpack(end)
        last = (b"PK\5\6", 0, 0, count, count, size, at, 0)
        if end != _END.pack(
            b"PK\6\6", 44, made, needed, 0, 0, count, count, size, at, b"PK\6\7", 0, at + size, 1, *last
        ):
            raise _UnusualError
        self._directory, places = at, {}
        for _ in range(count):
            entry = _ENTRY.unpack(self._slice(at, _ENTRY.size))
            signature, _, _, flags, method, _, _, crc, packed, size, name_size, extra, comment, *_, place = entry
            if signature != b"PK\1\2" or flags & ~_USUAL_FLAGS or method or packed != size or extra or comment:
                raise _UnusualError
            folder, name = self._slice(at + _ENTRY.size, name_size).decode().split("/", 1)
            if folder != _FOLDER or name not in _KNOWN:
                raise _UnusualError
            places[name] = _Place(place, size, crc)
            at += _ENTRY.size + name_size
        if at + _END.size != length or len(places) != count:
            raise _UnusualError
        return places

    def _slice(self, start: int, size: int) -> bytes:
        if start + size <= len(self._head):
            found = self._head[start : start + size]
        elif start >= self._skipped:
            found = self._tail[start - self._skipped : start - self._skipped + size]
        else:
            raise _UnusualError
        return found


def _read(file: InputFile, offset: int, size: int) -> bytes:
    found = bytearray(size)
    file.read(offset, memoryview(found))
    return bytes(found)


class _Storage(NamedTuple):
    """What holds the elements; `dtype` is None where it does not say."""

    dtype: str | None
    numel: int


class _Described(NamedTuple):
    """What `data.pkl` says: strides and the place `first` of the first element in bytes, the `size` of `data/0`."""

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    first: int
    size: int


def _rebuilt(
    storage: _Storage, first: int, shape: Any, strides: Any, requires_grad: object, hooks: object, dtype: str = ""
) -> _Described:
    """In place of torch's functions that make a tensor of a storage."""
    kind = storage.dtype or dtype
    width, shape, strides = _WIDTHS[kind], sizes_of(shape), sizes_of(strides)
    size, first = storage.numel * (width if storage.dtype else 1), first * width
    steps = zip(shape, strides, strict=True)
    span = width * (1 + sum((length - 1) * stride for length, stride in steps)) if prod(shape) else 0
    if requires_grad is not False or hooks or not 0 <= first <= size - span or (storage.dtype and dtype):
        raise _UnusualError
    return _Described(kind, shape, tuple(stride * width for stride in strides), first, size)


class _Unpickler(pickle.Unpickler):
    """Reads pickles that hold nothing but a dense tensor."""

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) in {("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor_v3")}:
            return _rebuilt
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if (module, name) == ("torch.storage", "UntypedStorage"):
            return None
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch" and name in _WIDTHS:
            return name
        raise _UnusualError

    def persistent_load(self, pid: Any, /) -> _Storage:
        kind, dtype, key, _, count = pid
        if kind != "storage" or key != "0":
            raise _UnusualError
        return _Storage(dtype, *sizes_of([count]))


@lru_cache(_KINDS)
def _described(data: bytes) -> _Described:
    check_memo(data)
    found = _Unpickler(BytesIO(data)).load()
    if not isinstance(found, _Described):
        raise _UnusualError
    return found
