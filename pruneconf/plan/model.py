"""The one answer to "what happens to this layer"."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from pruneconf.config import Config, Ratio
from pruneconf.errors import PruneconfError
from pruneconf.graph import Layer, ModelGraph
from pruneconf.plan.channels import ChannelBudget, ChannelSet
from pruneconf.plan.pruners import Pruner
from pruneconf.plan.selection import LayerSet, Selection, bits


class Action(StrEnum):
    """What the config does to a layer in the end."""

    PRUNE = "prune"
    EXCLUDE = "exclude"
    NONE = "none"


class LayerPlan(NamedTuple):
    """The fate of one layer.

    `decided_by` is the index of the sub-config that has the last word, or None where none selects the layer.
    `masked` counts the elements of its weight that will be masked; None where the ranking of a group decides. They are
    masked `unit` at a time: single elements, or whole channels of so many (0 where the layer's type has no channels).
    `held` says why a layer loses less than the config asks, because of the layers with which it is coupled.
    """

    layer: Layer
    decided_by: int | None
    action: Action
    ratio: Ratio | None
    masked: int | None
    unit: int = 1
    held: str = ""


class Group(NamedTuple):
    """The effective layers of one `total_sparsity` sub-config.

    `layers` hold each weight once: of layers that share one, the first. `numel` counts their elements, `masked`
    how many of them are to be masked together: exactly so many elements or, in channels, as many channels as fit.
    `max_masked[name]` is the most one layer may lose. Nothing smaller than `unit` elements is masked.
    """

    sub_config: int
    layers: tuple[Layer, ...]
    numel: int
    ratio: Ratio
    masked: int
    cap: Ratio | None
    max_masked: Mapping[str, int]
    unit: int = 1

    @property
    def feasible(self) -> bool:
        """Whether the caps leave room for the masks that the total asks for."""
        return self.masked < sum(self.max_masked.values()) + self.unit


class Budget(NamedTuple):
    """An order to the pruner: mask exactly `count` elements of these weights, the lowest scores first, and in
    `layers[i]` at most `max_masked[i]`.
    """

    sub_config: int
    layers: tuple[Layer, ...]
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks of a budget
    max_masked: tuple[int, ...]


class Takeover(NamedTuple):
    """Layers that the sub-config `later` takes over from `earlier`, which had the last word about them until then."""

    earlier: int
    later: int
    layers: LayerSet


class _Fields(NamedTuple):  # a dataclass would cost the linter's start 1 ms
    config: Config
    graph: ModelGraph
    selection: Selection
    selected: tuple[LayerSet, ...]
    effective: tuple[LayerSet, ...]
    layers: tuple[LayerPlan, ...]
    groups: tuple[Group, ...]
    channel_budgets: tuple[ChannelBudget, ...] = ()
    pruner: Pruner = Pruner.LEVEL
    coupled: bool = False


class Plan(_Fields):
    """What a config does to a model, layer by layer (model order) and group by group (config order).

    `pruner` is the pruner it is made for: `level` gets `budgets`, the others `channel_budgets`.
    With `coupled`, coupled layers lose the same channels.

    `selected[i]` is the set of layers that sub-config `i` selects, `effective[i]` of those that it also decides;
    `selection` turns such sets into layers.
    """

    @property
    def structured(self) -> bool:
        """Whether whole channels are masked."""
        return self.pruner.is_structured

    @cached_property
    def budgets(self) -> tuple[Budget, ...]:
        """The orders to a pruner of single elements; those of layers first, a shared weight once."""
        if self.structured:
            return ()
        alone: dict[str, Budget] = {}
        totals = {group.sub_config for group in self.groups}
        for entry in self.layers:
            if entry.masked is not None and entry.decided_by is not None and entry.decided_by not in totals:
                budget = Budget(entry.decided_by, (entry.layer,), entry.masked, (entry.masked,))
                alone.setdefault(entry.layer.parameter, budget)
        together = (
            Budget(group.sub_config, group.layers, group.masked, tuple(group.max_masked.values()))
            for group in self.groups
        )
        return (*alone.values(), *together)

    @property
    def channel_sets(self) -> tuple[ChannelSet, ...]:
        """The sets of channels of all budgets."""
        return tuple(each for budget in self.channel_budgets for each in budget.sets)

    @property
    def without_channels(self) -> tuple[LayerPlan, ...]:
        """The layers that are to lose channels, but are of a type that has none."""
        if not self.structured:
            return ()
        return tuple(entry for entry in self.layers if entry.action is Action.PRUNE and not entry.unit)

    @cached_property
    def by_name(self) -> Mapping[str, LayerPlan]:
        """Layer plans under the layers' names."""
        return {entry.layer.name: entry for entry in self.layers}

    def selected_by(self, layer: int) -> tuple[int, ...]:
        """The indices of the sub-configs that select the layer with this index."""
        return self._selected_by[layer]

    @cached_property
    def _selected_by(self) -> tuple[tuple[int, ...], ...]:
        found: list[list[int]] = [[] for _ in self.layers]
        for i, selected in enumerate(self.selected):
            for layer in bits(selected):
                found[layer].append(i)
        return tuple(map(tuple, found))

    @cached_property
    def takeovers(self) -> tuple[Takeover, ...]:
        """Which sub-config takes layers over from which, in the order in which it happens.

        A layer that three sub-configs select changes hands twice: from the first to the second to the third.
        """
        found = []
        held: dict[int, LayerSet] = {}
        seen = 0
        for later, selected in enumerate(self.selected):
            taken = _taken(held, selected & seen)
            for earlier, layers in taken.items():
                found.append(Takeover(earlier, later, layers))
                held[earlier] ^= layers
                if not held[earlier]:
                    del held[earlier]
            held[later] = selected
            seen |= selected
        return tuple(found)

    def conflicts(self) -> tuple[tuple[LayerPlan, LayerPlan], ...]:
        """Pairs of layers that share a weight but are to be treated differently (the first of them, and another)."""
        return self._conflicts

    @cached_property
    def _conflicts(self) -> tuple[tuple[LayerPlan, LayerPlan], ...]:
        found = []
        first: dict[str, LayerPlan] = {}
        for entry in self.layers:
            if entry.action is Action.NONE:
                continue
            other = first.setdefault(entry.layer.parameter, entry)
            if other is not entry and self._setting(entry) != self._setting(other):
                found.append((other, entry))
        return tuple(found)

    def _setting(self, entry: LayerPlan) -> tuple[object, ...]:
        if entry.ratio is None or entry.decided_by is None:
            return (entry.action,)
        group = entry.decided_by if entry.masked is None else None
        return (entry.action, entry.ratio.value, group)

    @property
    def masked(self) -> int:
        """How many elements will be masked in all; in channels, the most that fit."""
        return sum(budget.count for budget in self.budgets) + sum(budget.room for budget in self.channel_budgets)

    @property
    def numel(self) -> int:
        """How many elements the layers' weights have in all, shared ones once."""
        return sum({entry.layer.parameter: entry.layer.numel for entry in self.layers}.values())


def _taken(held: Mapping[int, LayerSet], layers: LayerSet) -> dict[int, LayerSet]:
    """What each holder has of some layers that all have one: behind the last of them nobody is asked."""
    taken = {}
    for holder, its_layers in held.items():
        if not layers:
            break
        if shared := its_layers & layers:
            taken[holder] = shared
            layers ^= shared
    return taken


def check_channels(plan: Plan) -> None:
    """Raise PruneconfError where a layer that is to lose channels has none."""
    for entry in plan.without_channels:
        raise PruneconfError(
            f"`{entry.layer.name}` is a `{entry.layer.type}` and has no output channels that `{plan.pruner}` could "
            "mask, only convolution and linear types have; exclude it, or use the pruner `level`"
        )
