"""The one answer to "what happens to this layer"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pruneconf.config import Config, Ratio
from pruneconf.graph import Layer, ModelGraph


class Action(StrEnum):
    """What the config does to a layer in the end."""

    PRUNE = "prune"
    EXCLUDE = "exclude"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """The fate of one layer.

    `selected_by` are the indices of the sub-configs that select it, `decided_by` is the last of them. `masked`
    counts the elements of its weight that will be masked; None where the ranking of a group decides.
    """

    layer: Layer
    selected_by: tuple[int, ...]
    action: Action
    ratio: Ratio | None
    masked: int | None

    @property
    def decided_by(self) -> int | None:
        """The index of the sub-config that decides this layer, or None where none selects it."""
        return self.selected_by[-1] if self.selected_by else None


@dataclass(frozen=True, slots=True)
class Group:
    """The effective layers of one `total_sparsity` sub-config.

    `layers` hold each weight once: of layers that share one, the first. `numel` counts their elements, `masked`
    how many of them are to be masked together. `max_masked[name]` is the most one layer may lose.
    """

    sub_config: int
    layers: tuple[Layer, ...]
    numel: int
    ratio: Ratio
    masked: int
    cap: Ratio | None
    max_masked: Mapping[str, int]

    @property
    def feasible(self) -> bool:
        """Whether the caps leave room for the masks that the total asks for."""
        return self.masked <= sum(self.max_masked.values())


@dataclass(frozen=True, slots=True)
class Budget:
    """An order to the pruner: mask exactly `count` elements of these weights, the lowest scores first, and in
    `layers[i]` at most `max_masked[i]`.
    """

    sub_config: int
    layers: tuple[Layer, ...]
    count: int
    max_masked: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What a config does to a model, layer by layer (model order) and group by group (config order).

    `selections[i]` are the layers that sub-config `i` selects, `effective[i]` those that it also decides.
    """

    config: Config
    graph: ModelGraph
    layers: tuple[LayerPlan, ...]
    groups: tuple[Group, ...]
    budgets: tuple[Budget, ...]

    @cached_property
    def by_name(self) -> Mapping[str, LayerPlan]:
        """Layer plans under the layers' names."""
        return {entry.layer.name: entry for entry in self.layers}

    @property
    def masked(self) -> int:
        """How many elements will be masked in all."""
        return sum(budget.count for budget in self.budgets)

    @property
    def numel(self) -> int:
        """How many elements the layers' weights have in all, shared ones once."""
        return sum({entry.layer.parameter: entry.layer.numel for entry in self.layers}.values())
