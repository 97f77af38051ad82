"""The weights of a checkpoint that are to be ranked."""

from __future__ import annotations

from collections.abc import Mapping

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.checkpoint import Checkpoint
from pruneconf.pruning.floats import Weights
from pruneconf.pruning.level import pruned
from pruneconf.pruning.team import ALONE, Team
from pruneconf.pruning.tensorfile import Tensor
from pruneconf.pruning.tensors import format_of


def ranked_weights(
    plan: Plan, checkpoint: Checkpoint, where: Mapping[str, tuple[str, ...]], team: Team = ALONE
) -> dict[str, Weights]:
    """The weights to be ranked, by parameter. Raises PruneconfError where copies of one weight differ."""
    tensors = checkpoint.tensors
    layers = pruned(plan)
    ranked = {}
    for number, (parameter, names) in enumerate(where.items()):
        first = tensors[names[0]]
        for name in names[1:] if number % team.size == team.rank else ():
            if not _equal(first, tensors[name]):
                raise PruneconfError(
                    f"`{names[0]}` and `{name}` are one weight in the model but differ in {checkpoint.source}; "
                    "save the checkpoint from a model that ties them"
                )
        known = format_of(first.code)
        ranked[parameter] = Weights(layers[parameter], known, first.data.view(known.unsigned))
    return ranked


def _equal(one: Tensor, other: Tensor) -> bool:
    if one.kind != other.kind:
        return False
    step = 1 << 24
    return one.data is other.data or all(
        one.data[start : start + step].tobytes() == other.data[start : start + step].tobytes()
        for start in range(0, one.data.size, step)
    )
