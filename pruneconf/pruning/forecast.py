"""What `apply` would read and write, and how long that would take, without doing it."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pruneconf.graph import Side
from pruneconf.plan import Plan, Pruner, channel_axis
from pruneconf.pruning.checkpoint import Checkpoint, Source, open_checkpoint
from pruneconf.pruning.choose import check_plan
from pruneconf.pruning.floats import Weights, magnitudes
from pruneconf.pruning.inputs import inputs_of
from pruneconf.pruning.masks import check_form, kept
from pruneconf.pruning.ranked import ranked_weights
from pruneconf.pruning.select import select
from pruneconf.pruning.staging import prepare
from pruneconf.pruning.strips import strips
from pruneconf.pruning.tensorfile import header, mask_entry
from pruneconf.pruning.tensors import locate
from pruneconf.pruning.workers import Workers

DISK_RATE = 500_000_000
"""Bytes a second that a disk is taken to read and to write."""

_SAMPLE = 1 << 21
_REPORT, _REPORT_LAYER = 20_000, 2_000
"""What the two forms of the report take at the most: bytes, and bytes for each layer."""


class Forecast(NamedTuple):
    """Bytes and seconds.

    `files` are read, `read` bytes in all; `weights`, `masks` and `others` bytes are written, and `free` are free where
    the output will stand. `ranking` seconds are expected for choosing, `writing` for everything else.
    """

    files: int
    read: int
    weights: int
    masks: int
    others: int
    free: int
    ranking: float
    writing: float

    @property
    def written(self) -> int:
        """All bytes that are written."""
        return self.weights + self.masks + self.others


def forecast(
    plan: Plan,
    weights: Source,
    out: Path,
    *,
    masks: str = "bool",
    force: bool = False,
    graph_file: Path | None = None,
    compact: bool = False,
) -> Forecast:
    """What `apply` with these arguments would do; writes nothing. With `compact`, compact weights are counted in at
    their largest, nothing having been cut out.

    The seconds are extrapolated from ranking, masking and hashing a few of these weights, and a disk of `DISK_RATE`.
    Raises PruneconfError where `apply` would refuse before it begins.
    """
    check_plan(plan)
    check_form(masks)
    checkpoint = open_checkpoint(weights)
    inputs = inputs_of(plan, checkpoint, graph_file)
    place = prepare(out, inputs.every, checkpoint.folder, force=force, clear=False)
    where = locate(plan, checkpoint.kinds, checkpoint.source)
    read = sum(path.stat().st_size for path in inputs.every)
    stored = _stored(checkpoint)
    mask = _masks(plan, checkpoint, where, masks)
    others = _REPORT + _REPORT_LAYER * len(plan.layers) + len(checkpoint.index or b"")
    others += sum(path.stat().st_size for path in inputs.carried)
    others += stored if compact else 0
    free = shutil.disk_usage(place.parent).free
    rates = _rates(ranked_weights(plan, checkpoint, where))
    written = stored + mask + others
    writing = rates.hash * (read + written) + rates.mask * plan.numel + (read + written) / DISK_RATE
    return Forecast(len(inputs.every), read, stored, mask, others, free, rates.rank * _visits(plan), writing)


def _stored(checkpoint: Checkpoint) -> int:
    total = 0
    for shard in checkpoint.shards:
        entries = {name: (tensor.code, tensor.shape, tensor.data.size) for name, tensor in shard.tensors.items()}
        total += len(header(entries, shard.metadata)) + sum(tensor.data.size for tensor in shard.tensors.values())
    return total


def _masks(plan: Plan, checkpoint: Checkpoint, where: Mapping[str, tuple[str, ...]], form: str) -> int:
    if form == "none":
        return 0
    kinds = checkpoint.kinds
    shapes = {parameter: kinds[names[0]][1] for parameter, names in where.items()}
    for each in plan.channel_sets:
        shapes |= {strip.key: strip.shape for strip in strips(plan.graph, each.channels, kinds, Side.OUT, Side.THROUGH)}
    entries = {parameter: mask_entry(shape, form) for parameter, shape in shapes.items()}
    return len(header(entries, {"format": "pt", "masks": form})) + sum(size for _, _, size in entries.values())


def _visits(plan: Plan) -> float:
    """How many weights are ranked; `fpgm` goes through them again for every second channel."""
    layers = {entry.layer.parameter: entry.layer for entry in plan.layers if entry.ratio is not None}.values()
    if plan.pruner is not Pruner.FPGM:
        return sum(layer.numel for layer in layers)
    return sum(layer.numel * (1 + layer.shape[channel_axis(layer) or 0] / 2) for layer in layers)


class _Rates(NamedTuple):
    """Seconds for a weight to be ranked, for one to be masked, for a byte to be hashed."""

    rank: float
    mask: float
    hash: float


def _rates(ranked: Mapping[str, Weights]) -> _Rates:
    if not any(layer.bits.size for layer in ranked.values()):
        return _Rates(0, 0, 0)
    layer = max(ranked.values(), key=lambda layer: layer.bits.size)
    bits = np.array(layer.bits[:_SAMPLE])
    sample, size = Weights(layer.layer, layer.format, bits), bits.size
    seconds = _stopwatch()
    next(seconds)
    (cut,) = select([sample], size // 2, [size], Workers(torch.get_num_threads()))
    rank = next(seconds)
    keep = kept(bits, 0, sample.format, cut)
    int(np.multiply(magnitudes(bits, sample.format), ~keep).max())
    data = np.multiply(bits, keep)
    mask = next(seconds)
    hashlib.sha256(data.data).hexdigest()
    return _Rates(rank / size, mask / size, next(seconds) / data.nbytes)


def _stopwatch() -> Iterator[float]:
    """Seconds since the last time it was asked."""
    before = time.perf_counter()
    while True:
        now = time.perf_counter()
        yield now - before
        before = now
