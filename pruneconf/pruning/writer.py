"""Write a checkpoint with some of its weights masked, in one pass over its tensors and with memory for a few chunks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pruneconf.pruning.checkpoint import INDEX_FILE, Checkpoint, Shard, other_files
from pruneconf.pruning.filearray import FileArray
from pruneconf.pruning.floats import Bits, Bools, Elements, Format, magnitudes
from pruneconf.pruning.journal import Done, Journal
from pruneconf.pruning.tensorfile import header, mask_entry

MASKS_FILE = "masks.safetensors"

Progress = Callable[[int, int], None]
"""Called with the bytes of weights that are written and that there are in all."""

_OTHERS = ("report.json", "report.html", "compact.safetensors")
"""What else a run writes: an input directory that was itself an output does not bring its own."""

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

    def skip(self, size: int) -> None:
        """Go on after what is there already, which is cut to this size."""
        self.file.truncate(size)
        while chunk := self.file.read(_CHUNK):
            self.hash.update(chunk)

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())


class CheckpointWriter:
    """Writes the files of a checkpoint into a folder; afterwards `outcomes` is by parameter, `outputs` has the sha256
    of every file by name, and `inputs` those of the shards that were read, as far as reading them once was enough.

    With a journal, shards that are in it are taken over if they are intact, and finished ones are entered.
    """

    def __init__(
        self,
        folder: Path,
        checkpoint: Checkpoint,
        maskings: Mapping[str, Masking],
        form: str,
        progress: Progress,
        journal: Journal | None = None,
    ) -> None:
        self._journal = journal
        self._folder = folder
        self._checkpoint = checkpoint
        self._maskings = maskings
        self._form = form
        self._progress = progress
        self._done = 0
        self._total = sum(tensor.data.size for tensor in checkpoint.tensors.values())
        self.outcomes: dict[str, Outcome] = {}
        self.outputs: dict[str, str] = {}
        self.inputs: dict[Path, str] = {}

    def write(self) -> None:
        """Write the weights, the masks (unless their form is `none`), the index, and the folder's other files."""
        finished = self._finished()
        with ExitStack() as stack:
            masks = None if self._form == "none" else stack.enter_context(self._open(MASKS_FILE, again=bool(finished)))
            if masks and finished:
                masks.skip(finished[-1].masks)
            elif masks:
                masks.write(self._masks_header())
            for shard in self._checkpoint.shards[len(finished) :]:
                self._write_shard(shard, masks)
        if self._checkpoint.index is not None:
            with self._open(INDEX_FILE) as index:
                index.write(self._checkpoint.index)
        if self._checkpoint.folder:
            self._copy(self._checkpoint.folder, other_files(self._checkpoint.folder))

    def _finished(self) -> list[Done]:
        """The first shards, as far as an interrupted run wrote them and they are still what it wrote."""
        found: list[Done] = []
        known = self._journal.shards if self._journal else {}
        for shard in self._checkpoint.shards:
            done, path = known.get(shard.file), self._folder / shard.file
            if done is None or not path.is_file() or file_digest(path) != done.sha256 or not self._has_masks(done):
                break
            found.append(done)
            self.outputs[shard.file] = done.sha256
            self.outcomes |= {name: Outcome(*outcome) for name, outcome in done.outcomes.items()}
            if done.input and (source := _source(shard)):
                self.inputs[source.file.path] = done.input
            self._advance(sum(tensor.data.size for tensor in shard.tensors.values()))
        if self._journal:
            kept = [shard.file for shard in self._checkpoint.shards[: len(found)]]
            self._journal.shards = {file: known[file] for file in kept}
            self._journal.save(self._folder)
        return found

    def _has_masks(self, done: Done) -> bool:
        path = self._folder / MASKS_FILE
        return self._form == "none" or (path.is_file() and path.stat().st_size >= done.masks)

    def _copy(self, source: Path, files: Iterable[Path]) -> None:
        """Copy files, given relative to `source`, to the same places; not over what this run wrote."""
        for path in files:
            if path.as_posix() not in (*self.outputs, *_OTHERS):
                (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
                with self._open(path.as_posix()) as copy, (source / path).open("rb") as original:
                    while chunk := original.read(_CHUNK):
                        copy.write(chunk)

    def _masks_header(self) -> bytes:
        entries: dict[str, tuple[str, tuple[int, ...], int]] = {}
        for name, tensor in self._checkpoint.tensors.items():
            if name in self._maskings:
                entries.setdefault(self._maskings[name].parameter, mask_entry(tensor.shape, self._form))
        return header(entries, {"format": "pt", "masks": self._form})

    def _write_shard(self, shard: Shard, masks: _Output | None) -> None:
        entries = {name: (tensor.code, tensor.shape, tensor.data.size) for name, tensor in shard.tensors.items()}
        source = _source(shard)
        read = hashlib.sha256(source.file.head(source.offset)) if source else hashlib.sha256()
        with self._open(shard.file) as weights:
            weights.write(header(entries, shard.metadata))
            for name, tensor in shard.tensors.items():
                masking = self._maskings.get(name)
                if masking is None:
                    for start in range(0, tensor.data.size, _CHUNK):
                        chunk = tensor.data[start : start + _CHUNK]
                        read.update(chunk.data)
                        self._write_weights(weights, chunk)
                    continue
                first = masking.parameter not in self.outcomes
                outcome = self.outcomes[masking.parameter] = Outcome()
                for chunk, keep in _masked_chunks(tensor.data.view(masking.format.unsigned), masking, outcome, read):
                    self._write_weights(weights, chunk)
                    if masks and first:
                        masks.write((np.packbits(keep) if self._form == "packed" else keep).data)
            if self._journal:
                weights.sync()
        if source:
            self.inputs[source.file.path] = read.hexdigest()
        self._enter(shard, masks, read.hexdigest() if source else None)

    def _enter(self, shard: Shard, masks: _Output | None, read: str | None) -> None:
        """Put a finished shard into the journal."""
        if self._journal is None:
            return
        if masks:
            masks.sync()
        names = {self._maskings[name].parameter for name in shard.tensors if name in self._maskings}
        outcomes = {name: (self.outcomes[name].masked, self.outcomes[name].highest) for name in sorted(names)}
        position = masks.file.tell() if masks else 0
        self._journal.shards[shard.file] = Done(self.outputs[shard.file], read, position, outcomes)
        self._journal.save(self._folder)

    def _write_weights(self, weights: _Output, chunk: Bits) -> None:
        weights.write(chunk.data)
        self._advance(chunk.nbytes)

    def _advance(self, size: int) -> None:
        self._done += size
        self._progress(self._done, self._total)

    @contextmanager
    def _open(self, name: str, *, again: bool = False) -> Iterator[_Output]:
        with (self._folder / name).open("r+b" if again else "wb") as file:
            output = _Output(file, hashlib.sha256())
            yield output
        self.outputs[name] = output.hash.hexdigest()


def _source(shard: Shard) -> FileArray | None:
    """The first tensor of a shard that is read from a safetensors file: the header is what stands before it."""
    first = next((tensor.data for tensor in shard.tensors.values()), None)
    return first if isinstance(first, FileArray) else None


def _masked_chunks(
    bits: Elements, masking: Masking, outcome: Outcome, read: hashlib._Hash
) -> Iterator[tuple[Bits, Bools]]:
    for start in range(0, bits.size, _CHUNK):
        chunk = bits[start : start + _CHUNK]
        read.update(chunk.data)
        keep = masking.keep(chunk, start)
        lost = np.multiply(magnitudes(chunk, masking.format), ~keep)
        outcome.masked += keep.size - int(np.count_nonzero(keep))
        outcome.highest = max(outcome.highest, int(lost.max()))
        yield np.multiply(chunk, keep), keep


def file_digest(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
