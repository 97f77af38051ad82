"""Save a model that has been pruned, and perhaps fine-tuned since, with its masks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch

from pruneconf.errors import PruneconfError
from pruneconf.pruning.attach import check_masks
from pruneconf.pruning.checkpoint import open_checkpoint
from pruneconf.pruning.floats import Bits, Bools
from pruneconf.pruning.masking import Masking
from pruneconf.pruning.staging import prepare, staged
from pruneconf.pruning.tensors import format_of, kind_of
from pruneconf.pruning.writer import CheckpointWriter


def save(
    model: torch.nn.Module, masks: Mapping[str, torch.Tensor], out: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Write a model's state dict to `out/model.safetensors` and the masks to `out/masks.safetensors`.

    `masks` is what `prune` returned. `out` is a directory that must not exist or be empty; with `force` it is replaced.
    It appears whole or not at all. Raises PruneconfError where a masked weight is not zero (it was trained without
    `attach`), or `out` cannot be written.
    """
    places = check_masks(model, masks)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    maskings = {}
    for name, mask in masks.items():
        weight = parameters[places[name]]
        alive = int(torch.count_nonzero(weight.detach()[~mask.to(weight.device)]))
        if alive:
            raise PruneconfError(
                f"`{name}` has {alive} masked elements that are not zero; `attach` the masks while you fine-tune"
            )
        keep = _Keep(mask)
        for other, parameter in parameters.items():
            if parameter is weight:
                maskings[other] = Masking(name, format_of(kind_of(weight)[0]), keep)
    place = prepare(Path(out), (), None, force=force)
    with staged(place, force=force) as folder:
        CheckpointWriter(folder, open_checkpoint(model), maskings, "bool", lambda _done, _total: None).write()


class _Keep:
    """A mask that is there already."""

    def __init__(self, mask: torch.Tensor) -> None:
        self._mask: Bools = mask.cpu().contiguous().reshape(-1).numpy()

    def __call__(self, bits: Bits, start: int) -> Bools:
        return self._mask[start : start + bits.size]
