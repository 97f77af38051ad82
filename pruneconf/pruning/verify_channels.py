"""Find out whether the channels that a checkpoint lacks are those that a plan lets go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from pruneconf.graph import Side
from pruneconf.plan import ChannelBudget, ChannelSet, Plan
from pruneconf.pruning.checkpoint import Checkpoint
from pruneconf.pruning.floats import Bools
from pruneconf.pruning.level import pruned
from pruneconf.pruning.stored import OffError, lost_channels, masked_elements
from pruneconf.pruning.strips import Strip, strips
from pruneconf.pruning.tensorfile import Tensor

Off = tuple[str | None, str]
"""What is wrong: a layer, or None where it is no single layer's, and a sentence."""


class Channels(NamedTuple):
    """The masked elements of each weight by parameter, the keys that may have a mask, and what is wrong."""

    masked: dict[str, int]
    keys: set[str]
    off: list[Off]


def verify_channels(
    plan: Plan, checkpoint: Checkpoint, where: Mapping[str, tuple[str, ...]], masks: Mapping[str, Tensor] | None
) -> Channels:
    """Check the masks of a checkpoint, or its zeros where there are none, against a plan for channels."""
    known, kinds = checkpoint.tensors, checkpoint.kinds
    sets = {each: list(strips(plan.graph, each.channels, kinds, Side.OUT, Side.THROUGH)) for each in plan.channel_sets}
    first = {strip.key: strip for parts in sets.values() for strip in parts}
    stored = {**{key: strip.names for key, strip in first.items()}, **where}
    owners = {**{key: strip.owner for key, strip in first.items()}, **pruned(plan)}
    lost: dict[str, Bools] = {}
    masked: dict[str, int] = {}
    off: list[Off] = []
    for key, names in stored.items():
        tensors = [known[name] for name in names]
        try:
            masked[key] = masked_elements(key, tensors, masks)
            mask = None if masks is None else masks[key]
            if key in first:
                lost[key] = lost_channels(tensors[0], mask, first[key].axis)
            elif mask is not None and masked[key]:
                off.append((owners[key], f"`{owners[key]}` has {masked[key]} masked elements; the plan allows none"))
        except OffError as fault:
            off.append((owners[key], f"`{owners[key]}` {fault}"))
    if not off:
        units = {each: _lost_units(each, parts, lost) for each, parts in sets.items()}
        if masks is not None:
            off += _torn(sets, units, lost)
        for budget in plan.channel_budgets:
            off += _budget_faults(budget, units, exact=masks is not None)
    return Channels({key: count for key, count in masked.items() if key in where}, set(stored), off)


def _lost_units(each: ChannelSet, parts: list[Strip], lost: Mapping[str, Bools]) -> Bools:
    """The units of which all channels are gone."""
    units = np.ones(each.channels.units, np.bool_)
    for strip in parts:
        units[strip.first : strip.first + len(strip.channels)] &= lost[strip.key][strip.channels].all(axis=1)
    return units


def _torn(
    sets: Mapping[ChannelSet, list[Strip]], units: Mapping[ChannelSet, Bools], lost: Mapping[str, Bools]
) -> Iterator[Off]:
    """The tensors that lack channels without what goes along with them."""
    whole = {key: np.zeros_like(gone) for key, gone in lost.items()}
    owners = {}
    for each, parts in sets.items():
        for strip in parts:
            whole[strip.key][strip.lost(units[each])] = True
            owners[strip.key] = strip.owner
    for key, owner in owners.items():
        if (alone := np.flatnonzero(lost[key] != whole[key])).size:
            yield owner, f"channel {alone[0]} of `{key}` is masked, but not all that goes along with it"


def _budget_faults(budget: ChannelBudget, units: Mapping[ChannelSet, Bools], *, exact: bool) -> Iterator[Off]:
    what = "masked" if exact else "zero"
    lost = {each: int(units[each].sum()) for each in budget.sets}
    counts = {each: count if exact else min(count, each.most) for each, count in lost.items()}
    left = budget.count - sum(each.unit * count for each, count in counts.items())
    for each, count in counts.items():
        name, total = each.layers[0].name, each.channels.units
        if exact and count > each.most:
            yield name, f"`{name}` has {count} masked channels of {total}; the config allows {each.most}"
        by_run = units[each].reshape(each.runs, -1).sum(axis=1)
        if exact and by_run.min() != by_run.max():
            yield name, f"`{name}` does not have as many masked channels in each of {each.runs} groups"
    open_ = [each for each, count in counts.items() if count < each.most]
    if open_ and all(each.unit * each.runs <= left for each in open_):  # whichever is next in the ranking would fit
        name, count, total = open_[0].layers[0].name, counts[open_[0]], open_[0].channels.units
        yield name, f"`{name}` has {count} {what} channels of {total}; the config asks for up to {open_[0].most}"
    if exact and left < 0:
        yield None, f"sub-config {budget.sub_config} allows {budget.count} masked elements; there are {-left} more"
