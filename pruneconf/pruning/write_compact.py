"""Write the weights of a model without its masked channels beside the masked ones."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file

from pruneconf.plan import Plan
from pruneconf.pruning.channels import ChannelCut
from pruneconf.pruning.checkpoint import Checkpoint, Shard, open_checkpoint
from pruneconf.pruning.compact import Run, compact
from pruneconf.pruning.masks import AnyCut
from pruneconf.pruning.report import CompactReport
from pruneconf.pruning.writer import CheckpointWriter

COMPACT_FILE = "compact.safetensors"


class CutOut(NamedTuple):
    """A built model, with any weights, and what runs such a model on example inputs."""

    model: torch.nn.Module
    run: Run


def write_compact(
    folder: Path, files: list[str], plan: Plan, cuts: Mapping[str, AnyCut], cut_out: CutOut
) -> tuple[CompactReport, dict[str, str]]:
    """Cut the masked channels out of the weights in these files of a folder, and write what is left.

    Returns what became of it and the sha256 of the file by its name. Raises PruneconfError where nothing can be cut
    out.
    """
    masked = deepcopy(cut_out.model)
    for file in files:
        masked.load_state_dict(load_file(folder / file), strict=False)
    parameters = dict(masked.named_parameters(remove_duplicate=False))
    masks = {key: _mask(cut, parameters[key].shape) for key, cut in cuts.items() if isinstance(cut, ChannelCut)}
    found = compact(masked, plan, masks, cut_out.run)
    tensors = Shard(COMPACT_FILE, open_checkpoint(found.model).tensors)
    writer = CheckpointWriter(folder, Checkpoint("the model", (tensors,)), {}, "none", lambda _done, _total: None)
    writer.write()
    before = sum(parameter.numel() for parameter in masked.parameters())
    left = {layer: why for layers, why in found.left for layer in layers}
    return CompactReport(before, found.parameters, found.difference, left), writer.outputs


def _mask(cut: ChannelCut, shape: torch.Size) -> torch.Tensor:
    """A mask without memory for its elements."""
    kept = torch.from_numpy(~cut.lost)
    sizes = [(size, shape[axis + 1 :].numel()) for axis, size in enumerate(shape)]
    axis = sizes.index((len(kept), cut.inner)) if (len(kept), cut.inner) in sizes else 0
    return kept.reshape(-1, *[1] * (len(shape) - axis - 1)).expand(shape)
