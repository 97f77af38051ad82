"""Safetensors files, tensor by tensor and without a copy of the whole: 8 bytes with the length of the header, the
header (JSON), then the elements of all tensors, little-endian and row-major, without gaps.

The format is specified at https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open

from pruneconf.errors import PruneconfError
from pruneconf.pruning.filearray import FileArray, InputFile
from pruneconf.pruning.partedarray import PartedArray
from pruneconf.pruning.tensors import Kind

CODES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint64: "U64",
    torch.uint32: "U32",
    torch.uint16: "U16",
    torch.uint8: "U8",
    torch.bool: "BOOL",
    torch.complex64: "C64",
}
"""The format's names of dtypes."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor as a file holds it: the format's name of its dtype, its shape, and its bytes."""

    code: str
    shape: tuple[int, ...]
    data: npt.NDArray[np.uint8] | FileArray | PartedArray

    @property
    def kind(self) -> Kind:
        """Dtype and shape."""
        return self.code, self.shape


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file in file order, not read yet, and its metadata.

    Raises PruneconfError where the file cannot be read or is damaged.
    """
    file = InputFile(path)
    try:
        with safe_open(path, framework="numpy"):
            pass  # checks the header and that the elements are all there
    except (SafetensorError, OSError) as error:
        InputFile(path)  # says so if there are too many open files, when safetensors finds none
        raise PruneconfError(f"`{path}` is damaged or no safetensors file ({error}); copy or write it again") from error
    data = FileArray(file, 0, file.size, np.dtype(np.uint8))
    length = 8 + int.from_bytes(data[:8].tobytes(), "little")
    header: dict[str, Any] = json.loads(data[8:length].tobytes())
    metadata = header.pop("__metadata__", {})
    entries = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
    tensors = {}
    for name, entry in entries:
        start, end = entry["data_offsets"]
        tensors[name] = Tensor(
            entry["dtype"], tuple(entry["shape"]), FileArray(file, length + start, end - start, data.dtype)
        )
    return tensors, metadata


def from_torch(name: str, tensor: torch.Tensor) -> Tensor:
    """A torch tensor as a file will hold it; shares its memory where it is contiguous and on the CPU."""
    if tensor.is_meta:
        raise PruneconfError(f"`{name}` is on the meta device and has no values; give a checkpoint with `--weights`")
    if tensor.layout is not torch.strided or tensor.dtype not in CODES:
        dtype = str(tensor.dtype).removeprefix("torch.")
        raise PruneconfError(f"`{name}` is a {dtype} tensor that safetensors cannot hold; convert it first")
    flat = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
    return Tensor(CODES[tensor.dtype], tuple(tensor.shape), flat.view(torch.uint8).numpy())


def header(tensors: Mapping[str, tuple[str, tuple[int, ...], int]], metadata: Mapping[str, str]) -> bytes:
    """Everything before the elements, for tensors given as name to (code, shape, bytes), in file order."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, (code, shape, size) in tensors.items():
        entries[name] = {"dtype": code, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the elements are aligned
    return len(text).to_bytes(8, "little") + text


def mask_entry(shape: tuple[int, ...], form: str) -> tuple[str, tuple[int, ...], int]:
    """The header entry of a mask for a weight of this shape, `bool` or `packed`."""
    size = prod(shape)
    packed = (size + 7) // 8
    return ("U8", (packed,), packed) if form == "packed" else ("BOOL", shape, size)
