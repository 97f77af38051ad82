"""The pruner `level`: the score of an element is its magnitude, and the lowest scores are masked."""

from __future__ import annotations

from collections.abc import Mapping

from pruneconf.plan import Action, Plan
from pruneconf.pruning.cuts import Cut
from pruneconf.pruning.floats import Weights
from pruneconf.pruning.select import Group, select_all
from pruneconf.pruning.workers import Workers


def level(plan: Plan, weights: Mapping[str, Weights], workers: Workers) -> dict[str, Cut]:
    """Where each weight that a plan prunes is cut. Both mappings are by parameter name."""
    parameters = [[layer.parameter for layer in budget.layers] for budget in plan.budgets]
    groups = [
        Group([weights[parameter] for parameter in names], budget.count, budget.max_masked)
        for names, budget in zip(parameters, plan.budgets, strict=True)
    ]
    found = zip(parameters, select_all(groups, workers), strict=True)
    cuts = {parameter: cut for names, chosen in found for parameter, cut in zip(names, chosen, strict=True)}
    return {parameter: cuts[parameter] for parameter in pruned(plan)}


def pruned(plan: Plan) -> dict[str, str]:
    """The parameters that a plan prunes, in model order, and the first layer that owns each."""
    found: dict[str, str] = {}
    for entry in plan.layers:
        if entry.action is Action.PRUNE:
            found.setdefault(entry.layer.parameter, entry.layer.name)
    return found
