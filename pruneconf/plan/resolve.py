"""From a config and a model to a plan (semantics: the last sub-config that selects a layer decides it whole)."""

from __future__ import annotations

from collections.abc import Iterable

from pruneconf.config import Config, SubConfig
from pruneconf.graph import Layer, ModelGraph
from pruneconf.plan.model import Action, Budget, Group, LayerPlan, Plan
from pruneconf.plan.selection import LayerSet, Selection, bits


def resolve(config: Config, graph: ModelGraph, selection: Selection | None = None) -> Plan:
    """Decide what happens to every layer of a model; `selection` is that of the same model, where it is at hand.

    Raises PruneconfError where types are asked for that are not known. Otherwise it never fails: a group that cannot
    meet its total is not `feasible`, layers that share a weight and disagree are in `Plan.conflicts()`; the linter
    reports both and the pruner refuses them.
    """
    selection = selection or Selection(graph)
    selected = tuple(selection.of(sub_config) for sub_config in config.sub_configs)
    effective = _last_word(selected)
    decided_by: list[SubConfig | None] = [None] * len(graph.layers)
    for sub_config, decided in zip(config.sub_configs, effective, strict=True):
        for i in bits(decided):
            decided_by[i] = sub_config
    groups = tuple(
        _group(sub_config, selection.layers(decided))
        for sub_config, decided in zip(config.sub_configs, effective, strict=True)
        if sub_config.is_total and decided
    )
    layers = tuple(map(_layer_plan, graph.layers, decided_by))
    return Plan(config, graph, selection, selected, effective, layers, groups, _budgets(layers, groups))


def _last_word(selected: tuple[LayerSet, ...]) -> tuple[LayerSet, ...]:
    effective = []
    taken = 0
    for layers in reversed(selected):
        effective.append(layers & ~taken)
        taken |= layers
    return tuple(reversed(effective))


def _layer_plan(layer: Layer, sub_config: SubConfig | None) -> LayerPlan:
    if sub_config is None:
        return LayerPlan(layer, None, Action.NONE, None, None)
    if sub_config.ratio is None:
        return LayerPlan(layer, sub_config.index, Action.EXCLUDE, None, None)
    masked = None if sub_config.is_total else sub_config.ratio.of(layer.numel)
    return LayerPlan(layer, sub_config.index, Action.PRUNE, sub_config.ratio, masked)


def _group(sub_config: SubConfig, members: Iterable[Layer]) -> Group:
    first: dict[str, Layer] = {}
    for layer in members:
        first.setdefault(layer.parameter, layer)
    layers = tuple(first.values())
    numel = sum(layer.numel for layer in layers)
    ratio, cap = sub_config.ratio, sub_config.cap
    if ratio is None:
        raise AssertionError("a total_sparsity sub-config has a ratio")
    most = {layer.name: cap.of(layer.numel) if cap else layer.numel for layer in layers}
    return Group(sub_config.index, layers, numel, ratio, ratio.of(numel), cap, most)


def _budgets(layers: Iterable[LayerPlan], groups: Iterable[Group]) -> tuple[Budget, ...]:
    alone: dict[str, Budget] = {}
    for entry in layers:
        if entry.masked is not None and entry.decided_by is not None:
            budget = Budget(entry.decided_by, (entry.layer,), entry.masked, (entry.masked,))
            alone.setdefault(entry.layer.parameter, budget)
    shared_out = (
        Budget(group.sub_config, group.layers, group.masked, tuple(group.max_masked.values())) for group in groups
    )
    return (*alone.values(), *shared_out)
