"""What it means that a sub-config takes layers over from an earlier one: one overlap, one rule.

"A broad sub-config first, then what differs" is how configs are meant to be written: a later sub-config that excludes,
or that only overrides (every layer it selects was pruned before), or that lists the layers by name, is deliberate.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from operator import or_

from pruneconf.config import Ratio, SubConfig
from pruneconf.plan import LayerSet, Plan, Takeover
from pruneconf.rules.layer_types import scales_or_embeds

MOST_LABELS = 3
"""How many of the sub-configs that a finding is about are shown."""


def overlaps(plan: Plan, rule: str) -> list[Takeover]:
    """The overlaps that this rule is to report."""
    pruned_before = list(
        accumulate(
            (0 if sub.exclude else layers for sub, layers in zip(plan.config.sub_configs, plan.selected, strict=True)),
            or_,
            initial=0,
        )
    )
    judge = partial(_rule, plan, _redundant(plan), pruned_before)
    return [takeover for takeover in plan.takeovers if judge(takeover) == rule]


def by_sub_config(found: list[Takeover], which: Callable[[Takeover], int]) -> dict[int, list[Takeover]]:
    """Overlaps under the index of one of their sub-configs."""
    grouped: dict[int, list[Takeover]] = {}
    for takeover in found:
        grouped.setdefault(which(takeover), []).append(takeover)
    return grouped


def _rule(plan: Plan, redundant: set[int], pruned_before: list[LayerSet], takeover: Takeover) -> str | None:
    earlier, later = plan.config.sub_configs[takeover.earlier], plan.config.sub_configs[takeover.later]
    if not plan.effective[takeover.earlier]:
        return None  # PC301 speaks
    if same_treatment(earlier, later):
        return "PC303" if takeover.later in redundant else None
    if later.exclude:
        return None
    if earlier.cap and _may_exceed(plan, takeover, earlier.cap, later):
        return "PC306"
    if _is_meant(plan, takeover, plan.selected[takeover.earlier] if earlier.exclude else pruned_before[takeover.later]):
        return None
    return "PC305" if earlier.exclude else "PC307" if earlier.is_total else "PC302"


def same_treatment(earlier: SubConfig, later: SubConfig) -> bool:
    """Whether a layer fares the same under both."""
    if earlier.exclude or later.exclude:
        return earlier.exclude and later.exclude
    if earlier.is_total or later.is_total or earlier.ratio is None or later.ratio is None:
        return False
    return earlier.ratio.value == later.ratio.value


def _redundant(plan: Plan) -> set[int]:
    """Sub-configs all of whose effective layers had the same treatment before."""
    unchanged: dict[int, LayerSet] = {}
    sub_configs = plan.config.sub_configs
    for takeover in plan.takeovers:
        if same_treatment(sub_configs[takeover.earlier], sub_configs[takeover.later]):
            unchanged[takeover.later] = unchanged.get(takeover.later, 0) | takeover.layers
    return {
        later for later, layers in unchanged.items() if plan.effective[later] and not plan.effective[later] & ~layers
    }


def _is_meant(plan: Plan, takeover: Takeover, known: LayerSet) -> bool:
    """Whether the later sub-config only overrides (all its layers are among `known`), or names what it overrides.

    Normalisations and embeddings that it reaches by the way do not count: PC509 speaks about them.
    """
    later = plan.config.sub_configs[takeover.later]
    if not takeover.layers & ~plan.selection.of_names(later.op_names or ()):
        return True
    added = plan.selected[takeover.later] & ~known
    if added and later.op_types is None:
        added &= ~plan.selection.of_types(filter(scales_or_embeds, plan.graph.types))
    return not added


def _may_exceed(plan: Plan, takeover: Takeover, cap: Ratio, later: SubConfig) -> bool:
    """Whether a layer may lose more in the group of the later sub-config than the cap of the earlier one allowed."""
    if later.cap is not None or not later.is_total:
        return False
    budget = next((group.masked for group in plan.groups if group.sub_config == later.index), 0)
    taken = plan.selection.layers(takeover.layers & plan.effective[later.index])
    return any(min(layer.numel, budget) > cap.of(layer.numel) for layer in taken)
