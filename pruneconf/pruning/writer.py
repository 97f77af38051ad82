"""Write a checkpoint with some of its weights masked, in one pass over its tensors and with memory for a few chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import torch

from pruneconf.pruning.checkpoint import INDEX_FILE, Checkpoint, Shard, other_files
from pruneconf.pruning.filearray import InputFile
from pruneconf.pruning.inorder import InOrder
from pruneconf.pruning.journal import Done, Journal, close_journals, enter
from pruneconf.pruning.masking import Masking, Outcome
from pruneconf.pruning.masksfile import MASKS_FILE, MasksFile
from pruneconf.pruning.outfile import Chunk, OutFile, file_digest
from pruneconf.pruning.shardfile import ShardWriter
from pruneconf.pruning.team import ALONE, Team

Progress = Callable[[int, int], None]
"""Called with the bytes of weights that are written and that there are in all."""

_OTHERS = ("report.json", "report.html", "compact.safetensors")
"""What else a run writes: an input directory that was itself an output does not bring its own."""

_CHUNK = 1 << 20
CROWD = 1 << 32
"""From how many bytes on what has been read for the last time is not kept in memory for others."""
_TOGETHER = 4
"""How many shards are written at the same time, at the most."""


class Written(NamedTuple):
    """The sha256 of every new file by name, and of the shards that were read, as far as reading them once was enough;
    and what was masked by parameter. Only the first process of a team has the whole of it.
    """

    outputs: Mapping[str, str]
    inputs: Mapping[Path, str]
    outcomes: Mapping[str, Outcome]


class _GivenUpError(Exception):
    """Another shard could not be written."""


class CheckpointWriter:
    """Writes the files of a checkpoint into a folder.

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
        self._folder, self._checkpoint, self._team = folder, checkpoint, team
        self._progress, self._journal = progress, journal
        self._masks = MasksFile.planned(folder, checkpoint, maskings, form) if form != "none" else None
        self._mine = _dealt(checkpoint.shards, team)
        self._finished: dict[str, Done] = {}
        self._lock = Lock()
        self._error: BaseException | None = None
        self._done, self._total = 0, sum(_size(shard) for shard in self._mine)
        self._maskings = maskings

    def write(self) -> Written:
        """Write the weights, the masks (unless their form is `none`), the index, and the folder's other files."""
        self._take_over()
        resumed = any(self._team.gather(bool(self._finished)))
        if self._team.leads:
            self._begin(again=resumed)
        self._team.gather(None)  # the masks' file is there
        parts = self._masks.parts if self._masks else {}
        with InOrder(self._folder / MASKS_FILE, parts, self._team, self._give_up) as digest:
            for file in self._finished:
                digest.add(file)
            self._write_shards(digest)
            finished = self._merged()
            outputs = {shard.file: finished[shard.file].sha256 for shard in self._checkpoint.shards}
            if self._masks and self._team.leads:
                outputs[MASKS_FILE] = digest.finish()
        if self._team.leads:
            outputs |= self._write_others(set(outputs))
        sources = {shard.source: finished[shard.file].input for shard in self._checkpoint.shards}
        inputs = {source: sha256 for source, sha256 in sources.items() if source and sha256}
        outcomes = {name: outcome for done in finished.values() for name, outcome in done.outcomes.items()}
        return Written(outputs, inputs, outcomes)

    def _take_over(self) -> None:
        """Keep the shards of this process that an interrupted run wrote and that are still what it wrote."""
        known = self._journal.shards if self._journal else {}
        for shard in self._mine:
            if shard.file in known and self._intact(shard.file, known[shard.file]):
                self._finished[shard.file] = known[shard.file]
                self._advance(_size(shard))
        if self._journal:
            Journal(self._journal.purpose, self._finished).begin(self._folder, self._team.rank)

    def _intact(self, file: str, done: Done) -> bool:
        """Whether a shard and its masks are what an interrupted run wrote."""
        path = self._folder / file
        if not path.is_file() or file_digest(path) != done.sha256:
            return False
        masks = self._masks
        return masks is None or (masks.path.is_file() and file_digest(masks.path, masks.parts[file]) == done.masks)

    def _begin(self, *, again: bool) -> None:
        if self._masks:
            self._masks.begin(again=again)
        if self._journal:
            close_journals(self._folder, self._team.size)  # what others kept before is in those of this team now

    def _write_shards(self, digest: InOrder) -> None:
        """Write what is not finished, some shards at the same time; where one fails, the others are given up."""
        left = [shard for shard in self._mine if shard.file not in self._finished]
        threads = max(1, min(_TOGETHER, torch.get_num_threads(), len(left)))
        with ThreadPoolExecutor(threads) as pool:
            futures = [pool.submit(self._write_shard, shard, digest) for shard in left]
            try:
                for future in futures:
                    future.result()
            except BaseException as error:  # noqa: BLE001 - also what ends the process ends its threads
                self._give_up(error)
                pool.shutdown(cancel_futures=True)
                raise (self._error or error) from None

    def _write_shard(self, shard: Shard, digest: InOrder) -> None:
        kept, crowded = self._journal is not None, self._total > CROWD
        writer = ShardWriter(self._folder, self._maskings, self._masks, kept, crowded, self._advance)
        try:
            self._enter(shard.file, writer.write(shard))
            digest.add(shard.file)
        except BaseException as error:
            self._give_up(error)
            raise

    def _enter(self, file: str, done: Done) -> None:
        """Put a finished shard into the journal."""
        with self._lock:
            self._finished[file] = done
            if self._journal:
                enter(self._folder, self._team.rank, file, done)

    def _advance(self, size: int) -> None:
        if self._error:
            raise _GivenUpError
        with self._lock:
            self._done += size
            self._progress(self._done, self._total)

    def _give_up(self, error: BaseException) -> None:
        """Let no thread go on."""
        self._error = self._error or error

    def _merged(self) -> dict[str, Done]:
        """The finished shards of all processes."""
        return {file: done for finished in self._team.gather(self._finished) for file, done in finished.items()}

    def _write_others(self, written: set[str]) -> dict[str, str]:
        """Write the index and the input folder's other files, but not over what this run wrote: their digests."""
        found = {}
        if self._checkpoint.index is not None:
            found[INDEX_FILE] = self._put(INDEX_FILE, [self._checkpoint.index])
        source = self._checkpoint.folder
        if source is None:
            return found
        for path in other_files(source):
            file = path.as_posix()
            if file not in (*written, *found, *_OTHERS):
                (self._folder / path).parent.mkdir(parents=True, exist_ok=True)
                found[file] = self._put(file, InputFile(source / path).chunks(_CHUNK))
        return found

    def _put(self, file: str, chunks: Iterable[Chunk]) -> str:
        with OutFile(self._folder / file) as out:
            for chunk in chunks:
                out.write(chunk)
        return out.sha256


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
