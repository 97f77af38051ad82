"""`masks.safetensors`: the masks in the order of the shards, so that each shard's are one part of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from pruneconf.pruning.checkpoint import Checkpoint
from pruneconf.pruning.masking import Masking
from pruneconf.pruning.outfile import OutFile
from pruneconf.pruning.tensorfile import header, mask_entry

MASKS_FILE = "masks.safetensors"


class MasksFile(NamedTuple):
    """What stands where: `head`, then one part for each shard, by its file, empty where it has no masks.

    `names` are the tensors that a mask is written with: of several that are one weight, the first.
    """

    path: Path
    form: str
    head: bytes
    names: frozenset[str]
    parts: Mapping[str, range]

    @classmethod
    def planned(cls, folder: Path, checkpoint: Checkpoint, maskings: Mapping[str, Masking], form: str) -> Self:
        """The file for a checkpoint's masks, in a form other than `none`."""
        entries: dict[str, tuple[str, tuple[int, ...], int]] = {}
        names, ends, size = set(), {}, 0
        for shard in checkpoint.shards:
            for name, tensor in shard.tensors.items():
                if name in maskings and maskings[name].parameter not in entries:
                    entries[maskings[name].parameter] = entry = mask_entry(tensor.shape, form)
                    names.add(name)
                    size += entry[2]
            ends[shard.file] = size
        head = header(entries, {"format": "pt", "masks": form})
        starts = [0, *ends.values()]
        parts = {
            file: range(len(head) + start, len(head) + end)
            for start, (file, end) in zip(starts, ends.items(), strict=False)
        }
        return cls(folder / MASKS_FILE, form, head, frozenset(names), parts)

    def begin(self, *, again: bool) -> None:
        """Write the head, and make room for the masks; those of an interrupted run stay if this is `again`."""
        with self.path.open("r+b" if again else "wb") as file:
            file.write(self.head)
            file.truncate(max((part.stop for part in self.parts.values()), default=len(self.head)))

    def open_part(self, shard: str, *, sync: bool) -> OutFile:
        """The part with the masks of a shard, to write it."""
        return OutFile(self.path, sync=sync, start=self.parts[shard].start)
