"""Plans in which coupled layers lose the same channels, so that these can be cut out of the model.

A coupling loses no more than each of its layers may by the config: the least of their ratios counts, and where a layer
is excluded or not selected, or the channels are seen in the model's output, all channels stay. Norms and other layers
that work on each channel by itself have no say: their entries go with the channel, as a bias does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import lcm

from pruneconf.config import Ratio
from pruneconf.graph import Coupling, Limit, Pin, Side
from pruneconf.plan.channels import ChannelBudget, ChannelSet, distinct
from pruneconf.plan.model import Action, Group, LayerPlan, Plan
from pruneconf.plan.pruners import channel_axis

_ACTIONS = {Action.EXCLUDE: "excluded", Action.NONE: "not selected"}


def couple(plan: Plan) -> Plan:
    """The same plan with coupled channels in place of each layer's own.

    A layer that cannot lose what the config asks says in `held` why. A `total_sparsity` that the couplings leave no
    room for is lowered to what there is room for.
    """
    held: dict[str, str] = {}
    alone: list[ChannelBudget] = []
    grouped: dict[int, list[ChannelSet]] = {group.sub_config: [] for group in plan.groups}
    caps = {group.sub_config: group.cap for group in plan.groups}
    for coupling in plan.graph.couplings:
        entries = [plan.by_name[name] for name in coupling.layers(Side.OUT) if name in plan.by_name]
        if not any(entry.action is Action.PRUNE for entry in entries):
            continue
        if why := _obstacle(coupling, entries):
            held |= {entry.layer.name: why for entry in entries}
            continue
        decider = entries[0].decided_by or 0
        if decider in grouped:
            grouped[decider].append(_set(coupling, entries, caps[decider]))
            continue
        least = min(entries, key=lambda entry: entry.ratio.value if entry.ratio else 0)
        found = _set(coupling, entries, least.ratio)
        alone.append(ChannelBudget(decider, (found,), found.most * found.unit))
        held.update(_held_back(found, least, entries))
    groups = tuple(_group(group, grouped[group.sub_config]) for group in plan.groups)
    shared_out = [ChannelBudget(group.sub_config, tuple(grouped[group.sub_config]), group.masked) for group in groups]
    layers = _layers(plan, [each for budget in alone for each in budget.sets], grouped, held)
    return plan._replace(layers=layers, groups=groups, channel_budgets=(*alone, *shared_out), coupled=True)


def _obstacle(coupling: Coupling, entries: list[LayerPlan]) -> str:
    """Why all channels of a coupling must stay; empty where some may go."""
    for pin in coupling.pins:
        return _pinned(pin)
    layers = {entry.layer.name: entry.layer for entry in entries}
    for member in coupling.members:
        if member.side is Side.OUT and member.layer not in layers:
            return f"coupled with `{member.layer}`, which no config can select"
        if member.side is Side.OUT and channel_axis(layers[member.layer]) != member.axis:
            kind = layers[member.layer].type
            return f"coupled with `{member.layer}`, whose channels cannot be masked, for it is of type `{kind}`"
    for entry in entries:
        if entry.action is not Action.PRUNE:
            return f"coupled with `{entry.layer.name}`, which is {_ACTIONS[entry.action]}"
    deciders = {entry.decided_by for entry in entries}
    if len(deciders) > 1 and any(entry.masked is None for entry in entries):
        other = next(entry for entry in entries if entry.decided_by != entries[0].decided_by)
        return f"`{entries[0].layer.name}` and `{other.layer.name}` are coupled, but in different sub-configs"
    return ""


def _pinned(pin: Pin) -> str:
    if pin.kind == "output":
        return f"its channels are seen in the model's output `{pin.name}`"
    if pin.kind == "input":
        return "its channels are joined with those of the model's input"
    if pin.kind == "heads":
        return "its channels are shared by several attention heads"
    return f"its channels run through `{pin.name}`, of which it is not known what it does to them"


def _set(coupling: Coupling, entries: list[LayerPlan], most: Ratio | None) -> ChannelSet:
    """The set of a coupling, of which a share may go at most; something of every run stays."""
    units, runs = coupling.units, _runs(coupling)
    layers = distinct(entry.layer for entry in entries)
    empty = ChannelSet(coupling, layers, 0, 0, runs)
    count = min(most.of(units) if most else units, units - runs) if units % runs == 0 else 0
    return empty._replace(unit=sum(map(empty.share_of, layers)), most=max(0, count - count % runs))


def _runs(coupling: Coupling) -> int:
    """Into how many equal runs the units fall of which each must lose as many."""
    return lcm(*(limit.groups for limit in coupling.limits if _balances(coupling, limit)))


def _balances(coupling: Coupling, limit: Limit) -> bool:
    """Whether a limit is not met by itself, because every unit has as many channels in each of the limit's runs."""
    if limit.kind == "attention-heads":
        return False
    members = [member for member in coupling.members if member.layer == limit.module]
    made = [member for member in members if member.side is not Side.IN]
    if not made:
        return not members  # a grouped convolution reads one channel of each run through one of its weight's
    size = sum(member.size for member in made)
    step = max(1, size // limit.groups)
    first = [channel // step for member in made for channel in member.channels(0)]
    return any(first.count(run) != first.count(0) for run in range(limit.groups))


def _held_back(found: ChannelSet, least: LayerPlan, entries: list[LayerPlan]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        if entry.ratio is None or least.ratio is None:
            continue
        if entry.ratio.value != least.ratio.value:
            yield entry.layer.name, f"coupled with `{least.layer.name}`, which may lose {least.ratio.text}"
        elif found.most != entry.ratio.of(found.channels.units):
            limit = ", ".join(dict.fromkeys(f"`{limit.module}`" for limit in found.channels.limits))
            yield entry.layer.name, f"as many channels must stay in each of the {found.runs} groups of {limit}"


def _group(group: Group, sets: list[ChannelSet]) -> Group:
    most = {
        layer.name: sum(each.most * each.share_of(layer) for each in sets if layer in each.layers)
        for layer in group.layers
    }
    room = sum(each.most * each.unit for each in sets)
    unit = min((each.unit * each.runs for each in sets), default=1)
    return group._replace(masked=min(group.masked, room), max_masked=most, unit=unit)


def _layers(
    plan: Plan, alone: list[ChannelSet], grouped: Mapping[int, list[ChannelSet]], held: Mapping[str, str]
) -> tuple[LayerPlan, ...]:
    fixed: dict[str, int] = {}
    ranked = {layer.parameter for sets in grouped.values() for each in sets for layer in each.layers if each.most}
    at_once: dict[str, int] = {}
    for each in alone:
        for layer in each.layers:
            share = each.share_of(layer)
            fixed[layer.parameter] = fixed.get(layer.parameter, 0) + each.most * share
            at_once[layer.parameter] = max(at_once.get(layer.parameter, 0), share)
    coupled = {name for coupling in plan.graph.couplings for name in coupling.layers(Side.OUT)}

    def again(entry: LayerPlan) -> LayerPlan:
        if entry.action is not Action.PRUNE or not entry.unit:
            return entry
        why = held.get(entry.layer.name, "")
        if entry.layer.name not in coupled:
            why = "nothing is known to read its channels"
        key = entry.layer.parameter
        masked = None if key in ranked else fixed.get(key, 0)
        if not why and masked is not None and entry.masked is not None and masked < entry.masked:
            why = f"its channels go {at_once.get(key, 0) // entry.unit:,} at a time"
        return entry._replace(masked=masked, held=why)

    return tuple(map(again, plan.layers))
