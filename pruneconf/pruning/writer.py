"""Write a checkpoint with some of its weights masked, in one pass over its tensors and with memory for a few chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch

from pruneconf.pruning.checkpoint import INDEX_FILE, Checkpoint, Shard, other_files
from pruneconf.pruning.filearray import FileArray, InputFile
from pruneconf.pruning.floats import Bits, Bools, Format, magnitudes
from pruneconf.pruning.journal import Done, Journal, close_journals
from pruneconf.pruning.outfile import Digest, OutFile, forget
from pruneconf.pruning.team import ALONE, Team
from pruneconf.pruning.tensorfile import Tensor, header, mask_entry

MASKS_FILE = "masks.safetensors"

Progress = Callable[[int, int], None]
"""Called with the bytes of weights that are written and that there are in all."""

_OTHERS = ("report.json", "report.html", "compact.safetensors")
"""What else a run writes: an input directory that was itself an output does not bring its own."""

_CHUNK, _BLOCK = 1 << 20, 1 << 16
"""Elements that are read and written at a time, and those that are masked at a time, within the cache of a core."""
CROWD = 1 << 32
"""From how many bytes on what has been read for the last time is not kept in memory for others."""
_TOGETHER = 4
"""How many shards are written at the same time, at the most."""


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


class _MaskPlaces(NamedTuple):
    """`masks.safetensors`: what stands before the masks; the tensors that one is written with (of several that are one
    weight, the first); the bytes with those of each shard, by its file; and how large the file is.
    """

    head: bytes
    names: frozenset[str]
    parts: Mapping[str, range]
    size: int


class _GivenUpError(Exception):
    """Another shard could not be written."""


class CheckpointWriter:
    """Writes the files of a checkpoint into a folder; afterwards `outcomes` is by parameter, `outputs` has the sha256
    of every file by name, and `inputs` those of the shards that were read, as far as reading them once was enough.

    With a journal, shards that are in it are taken over if they are intact, and finished ones are entered. In a team
    each process writes some of the shards, and the first one everything else.
    """

    def __init__(
        self,
        folder: Path,
        checkpoint: Checkpoint,
        maskings: Mapping[str, Masking],
        form: str,
        progress: Progress,
        journal: Journal | None = None,
        team: Team = ALONE,
    ) -> None:
        self._folder, self._checkpoint, self._maskings, self._form = folder, checkpoint, maskings, form
        self._progress, self._journal, self._team = progress, journal, team
        self._places = self._mask_places()
        self._lock = Lock()
        self._error: BaseException | None = None
        self._masks_hash, self._hashed = hashlib.sha256(), 0
        self._done = 0
        self._mine = _dealt(checkpoint.shards, team)
        self._total = sum(_size(shard) for shard in self._mine)
        self.outcomes: dict[str, Outcome] = {}
        self.outputs: dict[str, str] = {}
        self.inputs: dict[Path, str] = {}

    def write(self) -> None:
        """Write the weights, the masks (unless their form is `none`), the index, and the folder's other files."""
        finished = self._finished()
        every = self._team.gather(finished)
        if self._form != "none" and self._team.leads:
            self._begin_masks(again=any(every))
        if self._journal and self._team.leads:
            close_journals(self._folder, self._team.size)  # what others kept before is in those of this team now
        self._team.gather(None)  # the masks' file is there
        self._write_shards([shard for shard in self._mine if shard.file not in finished])
        self._merge()
        order = (*(shard.file for shard in self._checkpoint.shards), MASKS_FILE)
        self.outputs = {file: self.outputs[file] for file in order if file in self.outputs}
        if not self._team.leads:
            return
        if self._checkpoint.index is not None:
            with self._open(INDEX_FILE) as index:
                index.write(self._checkpoint.index)
        if self._checkpoint.folder:
            self._copy(self._checkpoint.folder, other_files(self._checkpoint.folder))

    def _finished(self) -> set[str]:
        """The files of the shards that an interrupted run wrote and that are still what it wrote."""
        known = self._journal.shards if self._journal else {}
        found = {}
        for shard in self._mine:
            done = known.get(shard.file)
            if done is None or not self._intact(shard, done):
                continue
            found[shard.file] = done
            self.outputs[shard.file] = done.sha256
            self.outcomes |= {name: Outcome(*outcome) for name, outcome in done.outcomes.items()}
            if done.input and shard.source:
                self.inputs[shard.source] = done.input
            self._advance(_size(shard))
        if self._journal:
            self._journal.shards = found
            self._journal.save(self._folder, self._team.rank)
        return set(found)

    def _intact(self, shard: Shard, done: Done) -> bool:
        """Whether a shard and its masks are what an interrupted run wrote."""
        path, masks = self._folder / shard.file, self._folder / MASKS_FILE
        if not path.is_file() or file_digest(path) != done.sha256:
            return False
        return self._form == "none" or (
            masks.is_file() and file_digest(masks, self._places.parts[shard.file]) == done.masks
        )

    def _write_shards(self, shards: list[Shard]) -> None:
        """Write shards, some at the same time; where one fails, the others are given up."""
        threads = max(1, min(_TOGETHER, torch.get_num_threads(), len(shards)))
        with ThreadPoolExecutor(threads) as pool:
            futures = {shard.file: pool.submit(self._write_or_fail, shard) for shard in shards}
            try:
                for shard in self._checkpoint.shards:
                    if shard.file in futures:
                        futures[shard.file].result()
                    if self._team.size == 1:
                        self._hash_masks(self._places.parts[shard.file].stop)
            except BaseException as error:  # noqa: BLE001 - also what ends the process ends its threads
                self._give_up(error)
                pool.shutdown(cancel_futures=True)
                raise (self._error or error) from None

    def _give_up(self, error: BaseException) -> None:
        """Let no thread go on."""
        self._error = self._error or error

    def _write_or_fail(self, shard: Shard) -> None:
        try:
            self._write_shard(shard)
        except BaseException as error:
            self._give_up(error)
            raise

    def _merge(self) -> None:
        """Let the first process know what all have written."""
        if self._team.size == 1:
            return
        for outcomes, outputs, inputs in self._team.gather((self.outcomes, self.outputs, self.inputs)):
            self.outcomes |= outcomes
            self.outputs |= outputs
            self.inputs |= inputs
        if self._team.leads:
            self._hash_masks(self._places.size)

    def _copy(self, source: Path, files: Iterable[Path]) -> None:
        """Copy files, given relative to `source`, to the same places; not over what this run wrote."""
        for path in files:
            if path.as_posix() not in (*self.outputs, *_OTHERS):
                (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
                original = InputFile(source / path)
                with self._open(path.as_posix()) as copy:
                    for start in range(0, original.size, _CHUNK):
                        chunk = memoryview(bytearray(min(_CHUNK, original.size - start)))
                        original.read(start, chunk)
                        copy.write(chunk)

    def _mask_places(self) -> _MaskPlaces:
        entries: dict[str, tuple[str, tuple[int, ...], int]] = {}
        names, ends, size = set(), {}, 0
        for shard in self._checkpoint.shards:
            for name, tensor in shard.tensors.items():
                if name in self._maskings and self._maskings[name].parameter not in entries:
                    entries[self._maskings[name].parameter] = entry = mask_entry(tensor.shape, self._form)
                    names.add(name)
                    size += entry[2]
            ends[shard.file] = size
        head = header(entries, {"format": "pt", "masks": self._form})
        starts = [0, *ends.values()]
        parts = {
            file: range(len(head) + start, len(head) + end)
            for start, (file, end) in zip(starts, ends.items(), strict=False)
        }
        return _MaskPlaces(head, frozenset(names), parts, len(head) + size)

    def _begin_masks(self, *, again: bool) -> None:
        with (self._folder / MASKS_FILE).open("r+b" if again else "wb") as file:
            file.write(self._places.head)
            file.truncate(self._places.size)

    def _hash_masks(self, end: int) -> None:
        """Hash the masks' file up to here."""
        if self._form == "none":
            return
        with (self._folder / MASKS_FILE).open("rb", buffering=0) as file:
            file.seek(self._hashed)
            while chunk := file.read(min(_CHUNK, end - self._hashed)):
                self._masks_hash.update(chunk)
                self._hashed += len(chunk)
        if end == self._places.size:
            self.outputs[MASKS_FILE] = self._masks_hash.hexdigest()

    def _write_shard(self, shard: Shard) -> None:
        entries = {name: (tensor.code, tensor.shape, tensor.data.size) for name, tensor in shard.tensors.items()}
        read, first = Digest(), next((tensor.data for tensor in shard.tensors.values()), None)
        if shard.source and isinstance(first, FileArray):
            read.update(first.file.head(first.offset))
        with ExitStack() as stack:
            weights = stack.enter_context(self._open(shard.file, sync=self._journal is not None))
            masks = None if self._form == "none" else stack.enter_context(self._open_masks(shard))
            stack.callback(read.hexdigest)
            weights.write(header(entries, shard.metadata))
            for name, tensor in shard.tensors.items():
                self._write_tensor(name, tensor, weights, masks, read)
        if shard.source and first is not None:
            self.inputs[shard.source] = read.hexdigest()
        for tensor in shard.tensors.values() if self._total > CROWD else ():
            if not isinstance(tensor.data, np.ndarray):
                tensor.data.forget()
        self._enter(shard, masks.sha256 if masks else None)

    def _write_tensor(self, name: str, tensor: Tensor, weights: OutFile, masks: OutFile | None, read: Digest) -> None:
        masking = self._maskings.get(name)
        data = tensor.data.view(masking.format.unsigned) if masking else tensor.data
        outcome = Outcome()
        step = _CHUNK // data.dtype.itemsize
        for start in range(0, data.size, step):
            chunk = data[start : start + step]
            read.update(chunk.data)
            if masking:
                chunk, keep = _masked(chunk, start, masking, outcome)
                if masks and name in self._places.names:
                    masks.write((np.packbits(keep) if self._form == "packed" else keep).data)
            weights.write(chunk.data)
            self._advance(chunk.nbytes)
        if masking:
            self.outcomes[masking.parameter] = outcome

    def _enter(self, shard: Shard, masks: str | None) -> None:
        """Put a finished shard into the journal."""
        if self._journal is None:
            return
        names = {self._maskings[name].parameter for name in shard.tensors if name in self._maskings}
        outcomes = {name: (self.outcomes[name].masked, self.outcomes[name].highest) for name in sorted(names)}
        read = self.inputs.get(shard.source) if shard.source else None
        with self._lock:
            self._journal.shards[shard.file] = Done(self.outputs[shard.file], masks, read, outcomes)
            self._journal.save(self._folder, self._team.rank)

    def _advance(self, size: int) -> None:
        if self._error:
            raise _GivenUpError
        with self._lock:
            self._done += size
            self._progress(self._done, self._total)

    def _open_masks(self, shard: Shard) -> OutFile:
        start = self._places.parts[shard.file].start
        return OutFile(self._folder / MASKS_FILE, sync=self._journal is not None, start=start)

    @contextmanager
    def _open(self, name: str, *, sync: bool = False) -> Iterator[OutFile]:
        with OutFile(self._folder / name, sync=sync) as file:
            yield file
        self.outputs[name] = file.sha256


def _dealt(shards: Sequence[Shard], team: Team) -> list[Shard]:
    """The shards that this process writes: the largest first, each to the one that has least so far."""
    loads = [0] * team.size
    mine = set()
    for shard in sorted(shards, key=_size, reverse=True):
        least = loads.index(min(loads))
        loads[least] += _size(shard)
        if least == team.rank:
            mine.add(shard.file)
    return [shard for shard in shards if shard.file in mine]


def _size(shard: Shard) -> int:
    return sum(tensor.data.size for tensor in shard.tensors.values())


def _masked(chunk: Bits, start: int, masking: Masking, outcome: Outcome) -> tuple[Bits, Bools]:
    """A chunk with its mask applied, and the mask."""
    result, keep = np.empty_like(chunk), np.empty(chunk.size, np.bool_)
    for at in range(0, chunk.size, _BLOCK):
        part = slice(at, at + _BLOCK)
        here = keep[part] = masking.keep(chunk[part], start + at)
        factors = here.astype(chunk.dtype)  # to multiply by bools directly takes twice as long
        np.multiply(chunk[part], factors, out=result[part])
        factors ^= factors.dtype.type(1)
        factors *= magnitudes(chunk[part], masking.format)
        outcome.highest = max(outcome.highest, int(factors.max()))
    outcome.masked += keep.size - int(np.count_nonzero(keep))
    return result, keep


def file_digest(path: Path, part: range | None = None, *, forgets: bool = False) -> str:
    """The sha256 of a file, or of a part of it, in hex. If wanted, the system is told that the file need not stay in
    memory.
    """
    with path.open("rb") as file:
        if part is None:
            digest = hashlib.file_digest(file, "sha256")
        else:
            file.seek(part.start)
            digest, left = hashlib.sha256(), len(part)
            while chunk := file.read(min(_CHUNK, left)):
                digest.update(chunk)
                left -= len(chunk)
        if forgets:
            forget(file.fileno(), 0, 0)
    return digest.hexdigest()
