"""Write the weights of a model without its masked channels beside the masked ones."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.channels import ChannelCut
from pruneconf.pruning.checkpoint import Checkpoint, Shard, open_checkpoint
from pruneconf.pruning.compact import Run, compact
from pruneconf.pruning.masks import AnyCut
from pruneconf.pruning.report import CompactReport
from pruneconf.pruning.resize import fit
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
    dtypes = _fill(masked, folder, files)
    parameters = dict(masked.named_parameters(remove_duplicate=False))
    masks = {key: _mask(cut, parameters[key].shape) for key, cut in cuts.items() if isinstance(cut, ChannelCut)}
    found = compact(masked, plan, masks, cut_out.run)
    smaller = found.model.state_dict()
    fit(found.model, {name: smaller[name].to(dtype) for name, dtype in dtypes.items()})
    tensors = Shard(COMPACT_FILE, open_checkpoint(found.model).tensors)
    writer = CheckpointWriter(folder, Checkpoint("the model", (tensors,)), {}, "none", lambda _done, _total: None)
    written = writer.write()
    before = sum(parameter.numel() for parameter in masked.parameters())
    left = {layer: why for layers, why in found.left for layer in layers}
    return CompactReport(before, found.parameters, found.difference, left), dict(written.outputs)


def _fill(model: torch.nn.Module, folder: Path, files: list[str]) -> dict[str, torch.dtype]:
    """Give a model the weights in these files; the dtype in which each is stored. What is no tensor of the model, such
    as a head that it lacks, is passed over.
    """
    state = model.state_dict()
    dtypes = {}
    for file in files:
        for name, tensor in load_file(folder / file).items():
            if name not in state:
                continue
            if tensor.shape != state[name].shape:
                shapes = f"{list(tensor.shape)}, expected {list(state[name].shape)}"
                raise PruneconfError(f"`{name}` has shape {shapes}; give the weights of this very model")
            state[name].copy_(tensor)
            dtypes[name] = tensor.dtype
    filled = {state[name].data_ptr() for name in dtypes}
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.numel() and tensor.data_ptr() not in filled:
            raise PruneconfError(
                f"the weights lack `{name}`, without which the smaller model cannot be tried out; give all of the model"
            )
    return dtypes


def _mask(cut: ChannelCut, shape: torch.Size) -> torch.Tensor:
    """A mask without memory for its elements."""
    kept = torch.from_numpy(~cut.lost)
    sizes = [(size, shape[axis + 1 :].numel()) for axis, size in enumerate(shape)]
    axis = sizes.index((len(kept), cut.inner)) if (len(kept), cut.inner) in sizes else 0
    return kept.reshape(-1, *[1] * (len(shape) - axis - 1)).expand(shape)
