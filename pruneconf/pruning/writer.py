"""Write a checkpoint with some of its weights masked, in one pass over its tensors and with memory for a few chunks."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pruneconf.pruning.checkpoint import INDEX_FILE, Checkpoint, Shard, other_files
from pruneconf.pruning.floats import Bits, Bools, Format, magnitudes
from pruneconf.pruning.tensorfile import header, mask_entry

MASKS_FILE = "masks.safetensors"

Progress = Callable[[int, int], None]
"""Called with the bytes of weights that are written and that there are in all."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Masking:
    """How one tensor of a checkpoint is masked.

    `parameter` is the key of its mask; tensors that are one weight in the model have the same. `keep(bits, start)` says
    which elements from flat index `start` on are kept.
    """

    parameter: str
    format: Format
    keep: Callable[[Bits, int], Bools]


@dataclass(slots=True)
class Outcome:
    """What a mask did to a weight: how many elements it took, and the pattern of the highest magnitude among them."""

    masked: int = 0
    highest: int = 0


@dataclass(slots=True)
class _Output:
    """A file that is being written, and the hash of what it holds so far."""

    file: BinaryIO
    hash: hashlib._Hash

    def write(self, data: bytes | memoryview) -> None:
        self.file.write(data)
        self.hash.update(data)


class CheckpointWriter:
    """Writes the files of a checkpoint into a folder; afterwards `outcomes` is by parameter and `outputs` has the
    sha256 of every file by name.
    """

    def __init__(
        self, folder: Path, checkpoint: Checkpoint, maskings: Mapping[str, Masking], form: str, progress: Progress
    ) -> None:
        self._folder = folder
        self._checkpoint = checkpoint
        self._maskings = maskings
        self._form = form
        self._progress = progress
        self._done = 0
        self._total = sum(tensor.data.size for tensor in checkpoint.tensors.values())
        self.outcomes: dict[str, Outcome] = {}
        self.outputs: dict[str, str] = {}

    def write(self) -> None:
        """Write the weights, the masks (unless their form is `none`), the index, and the folder's other files."""
        with ExitStack() as stack:
            masks = None if self._form == "none" else stack.enter_context(self._open(MASKS_FILE))
            if masks:
                masks.write(self._masks_header())
            for shard in self._checkpoint.shards:
                self._write_shard(shard, masks)
        if self._checkpoint.index is not None:
            with self._open(INDEX_FILE) as index:
                index.write(self._checkpoint.index)
        if self._checkpoint.folder:
            copy_files(self._checkpoint.folder, other_files(self._checkpoint.folder), self._folder)

    def _masks_header(self) -> bytes:
        entries: dict[str, tuple[str, tuple[int, ...], int]] = {}
        for name, tensor in self._checkpoint.tensors.items():
            if name in self._maskings:
                entries.setdefault(self._maskings[name].parameter, mask_entry(tensor.shape, self._form))
        return header(entries, {"format": "pt", "masks": self._form})

    def _write_shard(self, shard: Shard, masks: _Output | None) -> None:
        entries = {name: (tensor.code, tensor.shape, tensor.data.size) for name, tensor in shard.tensors.items()}
        with self._open(shard.file) as weights:
            weights.write(header(entries, shard.metadata))
            for name, tensor in shard.tensors.items():
                masking = self._maskings.get(name)
                if masking is None:
                    for start in range(0, tensor.data.size, _CHUNK):
                        self._write_weights(weights, tensor.data[start : start + _CHUNK])
                    continue
                first = masking.parameter not in self.outcomes
                outcome = self.outcomes[masking.parameter] = Outcome()
                for chunk, keep in _masked_chunks(tensor.data.view(masking.format.unsigned), masking, outcome):
                    self._write_weights(weights, chunk)
                    if masks and first:
                        masks.write((np.packbits(keep) if self._form == "packed" else keep).data)

    def _write_weights(self, weights: _Output, chunk: Bits) -> None:
        weights.write(chunk.data)
        self._done += chunk.nbytes
        self._progress(self._done, self._total)

    @contextmanager
    def _open(self, name: str) -> Iterator[_Output]:
        with (self._folder / name).open("wb") as file:
            output = _Output(file, hashlib.sha256())
            yield output
        self.outputs[name] = output.hash.hexdigest()


def _masked_chunks(bits: Bits, masking: Masking, outcome: Outcome) -> Iterator[tuple[Bits, Bools]]:
    for start in range(0, bits.size, _CHUNK):
        chunk = bits[start : start + _CHUNK]
        keep = masking.keep(chunk, start)
        lost = np.multiply(magnitudes(chunk, masking.format), ~keep)
        outcome.masked += keep.size - int(np.count_nonzero(keep))
        outcome.highest = max(outcome.highest, int(lost.max()))
        yield np.multiply(chunk, keep), keep


def copy_files(source: Path, files: Iterable[Path], target: Path) -> None:
    """Copy files, given relative to `source`, to the same places below `target`; not over what is there."""
    for path in files:
        if not (target / path).exists():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, target / path)


def file_digest(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
