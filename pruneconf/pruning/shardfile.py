"""One shard of a checkpoint, written with its masks in one pass over its tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pruneconf.pruning.checkpoint import Shard
from pruneconf.pruning.filearray import FileArray
from pruneconf.pruning.journal import Done
from pruneconf.pruning.masking import Masking, Outcome, masked
from pruneconf.pruning.masksfile import MasksFile
from pruneconf.pruning.outfile import Digest, OutFile
from pruneconf.pruning.tensorfile import Tensor, header

_CHUNK = 1 << 20
"""Bytes that are read and written at a time."""


@dataclass(frozen=True, slots=True)
class ShardWriter:
    """Writes shards into a folder, and their masks, if wanted, into `masks`.

    With `sync` it waits until they are on the disk; with `forgets` what was read need not stay in memory. `advance` is
    called with the bytes of weights just written.
    """

    folder: Path
    maskings: Mapping[str, Masking]
    masks: MasksFile | None
    sync: bool
    forgets: bool
    advance: Callable[[int], None]

    def write(self, shard: Shard) -> Done:
        """Write a shard: what to enter for it."""
        entries = {name: (tensor.code, tensor.shape, tensor.data.size) for name, tensor in shard.tensors.items()}
        read, outcomes = _digest_of_head(shard), {}
        with ExitStack() as stack:
            stack.callback(read.hexdigest)
            weights = stack.enter_context(OutFile(self.folder / shard.file, sync=self.sync))
            masks = stack.enter_context(self.masks.open_part(shard.file, sync=self.sync)) if self.masks else None
            weights.write(header(entries, shard.metadata))
            for name, tensor in shard.tensors.items():
                if masking := self.maskings.get(name):
                    own = masks if self.masks and name in self.masks.names else None
                    outcomes[masking.parameter] = self._mask(masking, tensor, weights, own, read)
                else:
                    self._copy(tensor, weights, read)
        if self.forgets:
            _forget(shard)
        known = read.hexdigest() if shard.source and shard.tensors else None
        return Done(weights.sha256, masks.sha256 if masks else None, known, outcomes)

    def _copy(self, tensor: Tensor, weights: OutFile, read: Digest) -> None:
        for start in range(0, tensor.data.size, _CHUNK):
            chunk = tensor.data[start : start + _CHUNK]
            read.update(chunk.data)
            weights.write(chunk.data)
            self.advance(chunk.nbytes)

    def _mask(self, masking: Masking, tensor: Tensor, weights: OutFile, masks: OutFile | None, read: Digest) -> Outcome:
        """Write a tensor and its mask."""
        data, outcome = tensor.data.view(masking.format.unsigned), Outcome()
        step = _CHUNK // data.dtype.itemsize
        for start in range(0, data.size, step):
            chunk = data[start : start + step]
            read.update(chunk.data)
            chunk, keep = masked(chunk, start, masking, outcome)
            if self.masks and masks:
                masks.write((np.packbits(keep) if self.masks.form == "packed" else keep).data)
            weights.write(chunk.data)
            self.advance(chunk.nbytes)
        return outcome


def _digest_of_head(shard: Shard) -> Digest:
    """A digest that has what stands before the tensors of a shard's own file."""
    digest, first = Digest(), next((tensor.data for tensor in shard.tensors.values()), None)
    if shard.source and isinstance(first, FileArray):
        digest.update(first.file.head(first.offset))
    return digest


def _forget(shard: Shard) -> None:
    for tensor in shard.tensors.values():
        if not isinstance(tensor.data, np.ndarray):
            tensor.data.forget()
