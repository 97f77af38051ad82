"""The pruners that mask whole output channels, alone or coupled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pruneconf.graph import Side
from pruneconf.plan import ChannelBudget, ChannelSet, Plan
from pruneconf.pruning.cuts import reject_nan
from pruneconf.pruning.floats import Bools, Weights
from pruneconf.pruning.scores import Scores, scores_of
from pruneconf.pruning.strips import Indices, Strip, channels_of, strips
from pruneconf.pruning.team import ALONE, Team
from pruneconf.pruning.tensors import Kind
from pruneconf.pruning.workers import Workers


@dataclass(frozen=True, slots=True, eq=False)
class ChannelCut:
    """Which channels a tensor loses along one axis; `inner` elements in a row belong to the same channel. The tensor
    is stored under `names`.

    `score` is the highest score among what is masked, None where nothing is. Coupled channels have the sum of theirs.
    """

    names: tuple[str, ...]
    lost: Bools
    inner: int
    score: float | None

    def kept(self, start: int, size: int) -> Bools:
        """Which of `size` elements from flat index `start` on stay."""
        return np.asarray(~self.lost[np.arange(start, start + size) // self.inner % len(self.lost)])


class _Choice(NamedTuple):
    """Which units of a set are masked, and the highest score among them."""

    units: Bools
    score: float | None


def channel_cuts(
    plan: Plan,
    weights: Mapping[str, Weights],
    kinds: Mapping[str, Kind],
    workers: Workers,
    seed: int,
    team: Team = ALONE,
) -> dict[str, ChannelCut]:
    """What a plan for channels cuts from the weights that it prunes, and from the tensors that go along.

    These are biases and, coupled, the entries of norms and the like. `weights` is by parameter name, `kinds` has all
    tensors there are. Raises PruneconfError where a weight is NaN.
    """
    reject_nan([weights[parameter] for parameter in list(weights)[team.rank :: team.size]], workers)
    layers = {layer.parameter: layer for each in plan.channel_sets for layer in each.layers}
    mine = {parameter: layers[parameter] for parameter in list(layers)[team.rank :: team.size]}
    found = team.gather(scores_of(plan.pruner, mine, weights, workers, seed))
    scores = {parameter: score for each in found for parameter, score in each.items()}
    cuts: dict[str, ChannelCut] = {}
    for budget in plan.channel_budgets:
        for each, choice in zip(budget.sets, _choose(budget, scores), strict=True):
            for strip in strips(plan.graph, each.channels, kinds, Side.OUT, Side.THROUGH):
                _cut(cuts, strip, choice)
    for layer in plan.graph.layers:  # what the plan prunes by nothing
        if layer.parameter in weights and layer.parameter not in cuts:
            cuts[layer.parameter] = ChannelCut((), np.zeros(1, np.bool_), 1, None)
    return cuts


def _cut(cuts: dict[str, ChannelCut], strip: Strip, choice: _Choice) -> None:
    inner = int(np.prod(strip.shape[strip.axis + 1 :], dtype=np.int64))
    nothing = ChannelCut(strip.names, np.zeros(strip.shape[strip.axis], np.bool_), inner, None)
    before = cuts.get(strip.key, nothing)
    before.lost[strip.lost(choice.units)] = True
    known = [score for score in (before.score, choice.score) if score is not None]
    cuts[strip.key] = ChannelCut(strip.names, before.lost, inner, max(known, default=None))


def _choose(budget: ChannelBudget, scores: Mapping[str, Scores]) -> list[_Choice]:
    """Take the lowest scores of all sets together, until the next would be too much."""
    orders, ranked = [], []
    for each in budget.sets:
        by_unit = _unit_scores(each, scores).reshape(each.runs, -1)
        order = by_unit.argsort(axis=1, kind="stable")
        orders.append(order)
        steps = each.most // each.runs  # in a step each run loses its next unit
        ranked.append(np.take_along_axis(by_unit, order, axis=1).mean(axis=0)[:steps])
    sizes = [len(steps) for steps in ranked]
    costs = np.repeat([each.unit * each.runs for each in budget.sets], sizes)
    in_order = np.concatenate([*ranked, np.zeros(0)]).argsort(kind="stable")
    taken = in_order[np.cumsum(costs[in_order]) <= budget.count]
    lost = np.bincount(np.repeat(np.arange(len(sizes)), sizes)[taken], minlength=len(sizes)).tolist()
    return [_choice(order, steps, count) for order, steps, count in zip(orders, ranked, lost, strict=True)]


def _choice(order: Indices, steps: Scores, count: int) -> _Choice:
    units = np.zeros(order.shape, np.bool_)
    np.put_along_axis(units, order[:, :count], values=True, axis=1)
    return _Choice(units.reshape(-1), float(steps[count - 1]) if count else None)


def _unit_scores(each: ChannelSet, scores: Mapping[str, Scores]) -> Scores:
    total = np.zeros(each.channels.units)
    for layer in each.layers:
        for member in each.channels.members:
            if member.layer == layer.name and member.side is Side.OUT:
                span = slice(member.units.start, member.units.stop)
                total[span] += scores[layer.parameter][channels_of(member)].sum(axis=1)
    return total
