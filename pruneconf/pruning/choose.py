"""From a plan and weights to cuts, by the plan's pruner."""

from __future__ import annotations

from collections.abc import Mapping

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan, check_channels, resolve
from pruneconf.pruning.channels import channel_cuts
from pruneconf.pruning.floats import Weights
from pruneconf.pruning.level import level
from pruneconf.pruning.masks import AnyCut
from pruneconf.pruning.pieces import shares
from pruneconf.pruning.team import ALONE, Team
from pruneconf.pruning.tensors import Kind
from pruneconf.pruning.workers import Workers


def plan_for(plan: Plan, pruner: str | None) -> Plan:
    """The plan as it is for a pruner, None for its own. Raises PruneconfError where it cannot be carried out."""
    if pruner not in (None, plan.pruner):
        plan = resolve(plan.config, plan.graph, plan.selection, pruner=pruner, coupled=plan.coupled)
    check_plan(plan)
    return plan


def check_plan(plan: Plan) -> None:
    """Raise PruneconfError where no pruner can carry a plan out."""
    check_channels(plan)
    for first, other in plan.conflicts():
        raise PruneconfError(
            f"`{first.layer.name}` and `{other.layer.name}` share one weight, but the config treats them differently; "
            "select both in the same sub-config"
        )
    for group in plan.groups:
        if not group.feasible:
            room = sum(group.max_masked.values())
            raise PruneconfError(
                f"sub-config {group.sub_config} asks for {group.masked} masked elements, but its caps leave room for "
                f"{room} of {group.numel}; lower `total_sparsity` or raise `max_sparsity_per_layer`"
            )


def cuts_of(
    plan: Plan,
    weights: Mapping[str, Weights],
    kinds: Mapping[str, Kind],
    workers: Workers,
    seed: int,
    team: Team = ALONE,
) -> dict[str, AnyCut]:
    """What is cut from which tensor, by the key of its mask: the weights that a plan prunes, in model order, then what
    goes along with their channels. `kinds` are all tensors there are; `seed` is that of the pruner `random`. In a
    team each process goes through its share of the weights, and all get the same.
    """
    if not plan.structured:
        every = dict(zip(weights, shares(list(weights.values()), team), strict=True))
        return dict(level(plan, every, workers, team))
    cuts = channel_cuts(plan, weights, kinds, workers, seed, team)
    return {key: cuts[key] for key in (*weights, *(key for key in cuts if key not in weights))}
