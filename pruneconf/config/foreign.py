"""Keys that do not belong into a sub-config: those of other pruners, and misspelt ones."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from pruneconf.config.keys import CAP, KEYS, SELECTORS

_MISLEADING = frozenset({"include", "included", "includes", "layer", "op", "per"})
"""Near a key in letters only."""


class Foreign(NamedTuple):
    """A key of another system: the rule that reports it, whose it is, the key to write here, and advice.

    `instead` is None where no single key takes its place; `stands_for` then says what its author meant it to be
    (`selector` or `amount`), so that its absence is not reported once more.
    """

    rule: str
    system: str
    instead: str | None
    advice: str
    stands_for: str | None = None


_V3 = "NNI v3"
_AGP = "an NNI v1 pruning schedule"
_TP = "Torch-Pruning"
_LLMC = "llm-compressor"
_DISTILLER = "Distiller"

FOREIGN: dict[str, Foreign] = {
    "sparse_ratio": Foreign(
        "PC602",
        _V3,
        "sparsity_per_layer",
        "write `sparsity_per_layer`, or `total_sparsity` for a ratio over all layers",
    ),
    "max_sparse_ratio": Foreign("PC602", _V3, CAP, f"write `{CAP}`, beside `total_sparsity`"),
    "min_sparse_ratio": Foreign("PC602", _V3, None, "there is no lower bound per layer here: remove it"),
    "sparse_threshold": Foreign("PC602", _V3, None, "write how much to prune: `sparsity_per_layer`", "amount"),
    "op_names_re": Foreign(
        "PC602", _V3, "op_partial_names", "write the part that the names share under `op_partial_names`"
    ),
    "op_types_re": Foreign("PC602", _V3, None, "list the types under `op_types`", "selector"),
    "exclude_op_names": Foreign("PC602", _V3, None, "add a later sub-config with these `op_names` and `exclude: true`"),
    "exclude_op_names_re": Foreign(
        "PC602", _V3, None, "add a later sub-config with `op_partial_names` and `exclude: true`"
    ),
    "exclude_op_types": Foreign("PC602", _V3, None, "add a later sub-config with these `op_types` and `exclude: true`"),
    "target_names": Foreign("PC602", _V3, None, "only weights are pruned here: remove it"),
    "target_settings": Foreign(
        "PC602", _V3, None, "only weights are pruned here: write their ratio as `sparsity_per_layer`", "amount"
    ),
    "granularity": Foreign("PC602", _V3, None, "the pruner decides it (`--pruner`): remove it"),
    "global_group_id": Foreign(
        "PC602", _V3, None, "put the layers into one sub-config with `total_sparsity`, which makes them a group"
    ),
    "dependency_group_id": Foreign("PC602", _V3, None, "coupled layers are found in the model: remove it"),
    "apply_method": Foreign("PC602", _V3, None, "masked weights are set to zero here: remove it"),
    "align": Foreign("PC602", _V3, None, "coupled layers are found in the model: remove it"),
    "initial_sparsity": Foreign("PC603", _AGP, None, "", "amount"),
    "final_sparsity": Foreign("PC603", _AGP, None, "", "amount"),
    "start_epoch": Foreign("PC603", _AGP, None, ""),
    "end_epoch": Foreign("PC603", _AGP, None, ""),
    "frequency": Foreign("PC603", _AGP, None, ""),
    "prune_iterations": Foreign("PC603", _AGP, None, ""),
    "total_iteration": Foreign("PC603", _AGP, None, ""),
    "rho": Foreign("PC603", "NNI's ADMM pruner", None, ""),
    "pruning_ratio": Foreign("PC604", _TP, "sparsity_per_layer", "write `sparsity_per_layer`"),
    "pruning_ratio_dict": Foreign("PC604", _TP, None, "write one sub-config for each ratio", "amount"),
    "ch_sparsity": Foreign("PC604", _TP, "sparsity_per_layer", "write `sparsity_per_layer`"),
    "max_pruning_ratio": Foreign("PC604", _TP, CAP, f"write `{CAP}`, beside `total_sparsity`"),
    "ignored_layers": Foreign("PC604", _TP, None, "add a later sub-config with these `op_names` and `exclude: true`"),
    "targets": Foreign("PC604", _LLMC, "op_types", "write class names under `op_types`, layer names under `op_names`"),
    "ignore": Foreign("PC604", _LLMC, None, "add a later sub-config with these `op_names` and `exclude: true`"),
    "mask_structure": Foreign("PC604", _LLMC, None, "semi-structured patterns are not supported: remove it"),
    "block_size": Foreign("PC604", _LLMC, None, "it belongs to the calibration of another method: remove it"),
    "tensor_fqn": Foreign(
        "PC604", "torchao", "op_names", "write the layer's name, without `.weight`, under `op_names`"
    ),
    "sparsity_level": Foreign("PC604", "torchao", "sparsity_per_layer", "write `sparsity_per_layer`"),
    "sparse_block_shape": Foreign("PC604", "torchao", None, "only single weights or channels are masked: remove it"),
    "zeros_per_block": Foreign("PC604", "torchao", None, "only single weights or channels are masked: remove it"),
    "sparsities": Foreign("PC604", _DISTILLER, None, "write one sub-config for each ratio", "amount"),
    "desired_sparsity": Foreign("PC604", _DISTILLER, "sparsity_per_layer", "write `sparsity_per_layer`"),
    "levels": Foreign("PC604", _DISTILLER, None, "write one sub-config for each ratio", "amount"),
    "weights": Foreign("PC604", _DISTILLER, "op_names", "write layer names, without `.weight`, under `op_names`"),
}
"""Sources: the config references of NNI 1.x and 3.0, Torch-Pruning 1.6, llm-compressor, torchao, Distiller."""


@cache
def meant(key: str) -> str | None:
    """The key that an unknown one was most likely meant to be, or None when none is near."""
    from pruneconf.suggest import nearest

    words = re.sub(r"[\W_]+", "_", key.lower()).strip("_")
    if not words or words in _MISLEADING:
        return None
    near = nearest(words, KEYS) if words in KEYS else [known for known in KEYS if f"_{words}_" in f"_{known}_"]
    near = near or nearest(key, KEYS)
    known = min(near, key=len, default=None)
    return "sparsity_per_layer" if known == "sparsity" else known


def role(key: str, value: Any) -> str | None:
    """What a key that does not belong here was meant to say: `selector` (where), `amount` (how much), or neither.

    A key that is near to none is judged by its value: a list of texts names layers, a number is a ratio.
    """
    if key in FOREIGN and FOREIGN[key].instead is None:
        return FOREIGN[key].stands_for
    known = FOREIGN[key].instead if key in FOREIGN else key if key in KEYS else meant(key)
    if known is not None:
        return "selector" if known in SELECTORS else "amount"
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "selector"
    return "amount" if isinstance(value, int | float) and not isinstance(value, bool) else None
