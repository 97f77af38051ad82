"""From a config and a model to a plan (semantics: the last sub-config that selects a layer decides it whole)."""

from __future__ import annotations

from collections.abc import Iterable

from pruneconf.config import Config, SubConfig
from pruneconf.errors import PruneconfError
from pruneconf.graph import Layer, ModelGraph, Origin
from pruneconf.plan.channels import ChannelBudget, channel_size, channels, distinct, own_set
from pruneconf.plan.model import Action, Group, LayerPlan, Plan
from pruneconf.plan.pruners import Pruner, channel_axis, pruner_named
from pruneconf.plan.selection import LayerSet, Selection, bits


def resolve(
    config: Config,
    graph: ModelGraph,
    selection: Selection | None = None,
    *,
    pruner: str = "level",
    coupled: bool = False,
) -> Plan:
    """Decide what happens to every layer of a model; `selection` is that of the same model, where it is at hand.

    `pruner` is `level`, `l1`, `l2`, `fpgm` or `random`; amounts count what it masks, elements or channels. With
    `coupled`, coupled layers lose the same channels. Never fails for what a config says: a group that cannot meet its
    total is not `feasible`, layers that share a weight and disagree are in `Plan.conflicts()`, those that lack channels
    in `Plan.without_channels`; the linter reports them and the pruner refuses them. Raises PruneconfError where there
    is no such pruner, or it masks no channels and `coupled` is set, or the graph does not know couplings, or not the
    types that are asked for.
    """
    known = pruner_named(pruner)
    if coupled:
        _check_couplings(known, graph)
    selection = selection or Selection(graph)
    selected = tuple(selection.of(sub_config) for sub_config in config.sub_configs)
    effective = _last_word(selected)
    decided_by: list[SubConfig | None] = [None] * len(graph.layers)
    for sub_config, decided in zip(config.sub_configs, effective, strict=True):
        for i in bits(decided):
            decided_by[i] = sub_config
    structured = known.is_structured
    groups = tuple(
        _group(sub_config, selection.layers(decided), structured=structured)
        for sub_config, decided in zip(config.sub_configs, effective, strict=True)
        if sub_config.is_total and decided
    )
    layers = tuple(
        _layer_plan(layer, decider, structured=structured)
        for layer, decider in zip(graph.layers, decided_by, strict=True)
    )
    by_channel = _channel_budgets(layers, groups) if structured else ()
    plan = Plan(config, graph, selection, selected, effective, layers, groups, by_channel, known)
    if not coupled:
        return plan
    from pruneconf.plan.coupled import couple

    return couple(plan)


def _check_couplings(pruner: Pruner, graph: ModelGraph) -> None:
    if not pruner.is_structured:
        raise PruneconfError(f"the pruner `{pruner}` masks no channels that could be coupled; choose `l1` or another")
    if graph.origin is not Origin.OPERATORS:
        raise PruneconfError(
            f"`{graph.source}` was not traced, so it is not known which channels go together: trace it with "
            "example inputs that it takes"
        )


def _last_word(selected: tuple[LayerSet, ...]) -> tuple[LayerSet, ...]:
    effective = []
    taken = 0
    for layers in reversed(selected):
        effective.append(layers & ~taken)
        taken |= layers
    return tuple(reversed(effective))


def _layer_plan(layer: Layer, sub_config: SubConfig | None, *, structured: bool) -> LayerPlan:
    unit = channel_size(layer) if structured else 1
    if structured and not unit and channel_axis(layer) is not None:
        unit = 1  # a weight without elements
    if sub_config is None:
        return LayerPlan(layer, None, Action.NONE, None, None, unit)
    if sub_config.ratio is None:
        return LayerPlan(layer, sub_config.index, Action.EXCLUDE, None, None, unit)
    count = channels(layer) if structured else layer.numel
    masked = None if sub_config.is_total else sub_config.ratio.of(count) * unit
    return LayerPlan(layer, sub_config.index, Action.PRUNE, sub_config.ratio, masked, unit)


def _group(sub_config: SubConfig, members: Iterable[Layer], *, structured: bool) -> Group:
    layers = distinct(members)
    numel = sum(layer.numel for layer in layers)
    ratio, cap = sub_config.ratio, sub_config.cap
    if ratio is None:
        raise AssertionError("a total_sparsity sub-config has a ratio")
    most = {}
    units = [(channel_size(layer) if structured else 1) or layer.numel for layer in layers]
    for layer, unit in zip(layers, units, strict=True):
        count = layer.numel // unit if unit else 0
        most[layer.name] = (cap.of(count) if cap else count) * unit
    unit = min(filter(None, units), default=1)
    return Group(sub_config.index, layers, numel, ratio, ratio.of(numel), cap, most, unit)


def _channel_budgets(layers: Iterable[LayerPlan], groups: Iterable[Group]) -> tuple[ChannelBudget, ...]:
    alone: dict[str, ChannelBudget] = {}
    for entry in layers:
        if entry.masked is not None and entry.decided_by is not None and entry.unit:
            own = own_set(entry.layer, entry.masked // entry.unit)
            alone.setdefault(entry.layer.parameter, ChannelBudget(entry.decided_by, (own,), entry.masked))
    shared_out = []
    for group in groups:
        sized = [(layer, size) for layer in group.layers if (size := channel_size(layer))]
        sets = tuple(own_set(layer, group.max_masked[layer.name] // size) for layer, size in sized)
        shared_out.append(ChannelBudget(group.sub_config, sets, group.masked))
    return (*alone.values(), *shared_out)
