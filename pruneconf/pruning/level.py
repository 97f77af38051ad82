"""The pruner `level`: the score of an element is its magnitude, and the lowest scores are masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pruneconf.errors import PruneconfError
from pruneconf.plan import Action, Plan
from pruneconf.pruning.floats import Weights
from pruneconf.pruning.select import Cut, select
from pruneconf.pruning.workers import Workers

Pruner = Callable[[Plan, Mapping[str, Weights], Workers], dict[str, Cut]]


def level(plan: Plan, weights: Mapping[str, Weights], workers: Workers) -> dict[str, Cut]:
    """Where each weight that a plan prunes is cut. Both mappings are by parameter name."""
    cuts: dict[str, Cut] = {}
    for budget in plan.budgets:
        parameters = [layer.parameter for layer in budget.layers]
        group = [weights[parameter] for parameter in parameters]
        cuts |= zip(parameters, select(group, budget.count, budget.max_masked, workers), strict=True)
    return {parameter: cuts[parameter] for parameter in pruned(plan)}


PRUNERS: Mapping[str, Pruner] = {"level": level}


def pruned(plan: Plan) -> dict[str, str]:
    """The parameters that a plan prunes, in model order, and the first layer that owns each."""
    found: dict[str, str] = {}
    for entry in plan.layers:
        if entry.action is Action.PRUNE:
            found.setdefault(entry.layer.parameter, entry.layer.name)
    return found


def pruner_for(plan: Plan, name: str) -> Pruner:
    """The pruner with this name, or PruneconfError where it does not exist or the plan cannot be carried out."""
    if name not in PRUNERS:
        known = ", ".join(f"`{pruner}`" for pruner in PRUNERS)
        raise PruneconfError(f"there is no pruner `{name}`; choose from {known}")
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
    return PRUNERS[name]
