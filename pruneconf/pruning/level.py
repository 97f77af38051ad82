"""The pruner `level`: the score of an element is its magnitude, and the lowest scores are masked."""

from __future__ import annotations

from collections.abc import Mapping

from pruneconf.plan import Action, Plan
from pruneconf.pruning.cuts import Cut
from pruneconf.pruning.pieces import Share
from pruneconf.pruning.select import Group, select_all
from pruneconf.pruning.team import ALONE, Team
from pruneconf.pruning.workers import Workers


def level(plan: Plan, every: Mapping[str, Share], workers: Workers, team: Team = ALONE) -> dict[str, Cut]:
    """Where each weight that a plan prunes is cut, from what this process has of them. Both are by parameter name."""
    names = [[layer.parameter for layer in budget.layers] for budget in plan.budgets]
    groups = [
        Group([every[name] for name in group], budget.count, budget.max_masked)
        for group, budget in zip(names, plan.budgets, strict=True)
    ]
    found = zip(names, select_all(groups, workers, team), strict=True)
    cuts = {name: cut for group, chosen in found for name, cut in zip(group, chosen, strict=True)}
    return {parameter: cuts[parameter] for parameter in pruned(plan)}


def pruned(plan: Plan) -> dict[str, str]:
    """The parameters that a plan prunes, in model order, and the first layer that owns each."""
    found: dict[str, str] = {}
    for entry in plan.layers:
        if entry.action is Action.PRUNE:
            found.setdefault(entry.layer.parameter, entry.layer.name)
    return found
