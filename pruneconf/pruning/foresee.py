"""What pruning a checkpoint would mask, without writing anything."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch

from pruneconf.plan import Plan
from pruneconf.pruning.checkpoint import Source, open_checkpoint
from pruneconf.pruning.choose import check_plan, cuts_of
from pruneconf.pruning.masks import kept
from pruneconf.pruning.ranked import ranked_weights
from pruneconf.pruning.scores import seed_for
from pruneconf.pruning.tensors import locate
from pruneconf.pruning.workers import Workers


def foresee(plan: Plan, weights: Source, *, seed: int | None = None) -> dict[str, int]:
    """How many elements of each layer `apply` would mask, by the layers' names.

    `weights` and `seed` are as there. Raises PruneconfError where the plan does not fit the weights or cannot be met,
    or a weight is NaN.
    """
    check_plan(plan)
    checkpoint = open_checkpoint(weights)
    ranked = ranked_weights(plan, checkpoint, locate(plan, checkpoint.kinds, checkpoint.source))
    workers = Workers(torch.get_num_threads())
    cuts = cuts_of(plan, ranked, checkpoint.kinds, workers, seed_for(plan.pruner, seed))
    parameters = list(ranked)

    def count(i: int, starts: range) -> tuple[int, int]:
        layer, cut = ranked[parameters[i]], cuts[parameters[i]]
        chunks = ((layer.bits[start : start + workers.chunk], start) for start in starts)
        return i, sum(chunk.size - int(np.count_nonzero(kept(chunk, at, layer.format, cut))) for chunk, at in chunks)

    masked: Counter[str] = Counter()
    for i, number in workers.run(count, [layer.bits.size for layer in ranked.values()]):
        masked[parameters[i]] += number
    return {entry.layer.name: masked[entry.layer.parameter] for entry in plan.layers}
