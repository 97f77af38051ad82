"""The table of all rules. A rule is named here by its module, `<folder>.<name>`; the rest stands in that file.

The heads say when a rule can run, in the order in which they do: `faults` explain what the schema refuses, `schema`
rules look at what it lets through, `files` rules at the files that were made from the model, `names` rules at the names
of modules, `model` rules at selectors and layers with their types, `plan` rules at what a valid config does, `graph`
rules also at how the layers hang together, which only a traced forward pass tells, and `channels` rules at what that
means where a pruner masks whole ones. `weights` rules look at what the ranking of the weights came to, so they run
after a pruner. `comments` rules look at the comments that silence all these.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib import import_module

from pruneconf.findings import RuleInfo
from pruneconf.rules.base import Rule

RULES: dict[str, tuple[str, ...]] = {
    "text": (
        "text.syntax_error",
        "text.duplicate_key",
        "text.unsafe_yaml",
    ),
    "faults": (
        "schema.not_a_config",
        "schema.yaml_1_1_boolean",
        "schema.unknown_key",
        "schema.wrong_type",
        "schema.ratio_out_of_range",
        "schema.missing_selector",
        "schema.missing_amount",
        "schema.exclude_with_amount",
        "schema.conflicting_amounts",
        "schema.exclude_false",
        "schema.empty_selector",
        "schema.cap_without_total",
        "compat.nni_v3_key",
        "compat.nni_v1_key",
        "compat.foreign_key",
    ),
    "schema": (
        "schema.duplicate_entry",
        "schema.empty_config",
        "amount.zero_ratio",
        "amount.extreme_ratio",
        "compat.deprecated_key",
    ),
    "files": ("structure.stale_graph",),
    "names": (
        "selection.unknown_op_name",
        "selection.unmatched_partial_name",
        "selection.container_name",
        "selection.not_prunable",
        "selection.redundant_selector",
        "structure.parametrized_weight",
    ),
    "model": (
        "selection.unknown_op_type",
        "selection.empty_selection",
        "selection.name_filtered_by_type",
        "selection.partial_name_overmatch",
        "compat.default_type_alias",
    ),
    "plan": (
        "selection.subclass_not_selected",
        "selection.unreachable_weights",
        "order.unreachable_sub_config",
        "order.overlapping_sub_configs",
        "order.redundant_override",
        "order.ineffective_exclude",
        "order.exclude_overridden",
        "order.cap_lost",
        "order.total_group_shrunk",
        "order.mergeable_sub_configs",
        "amount.infeasible_total",
        "amount.redundant_cap",
        "amount.layer_collapse",
        "amount.rounds_to_zero",
        "amount.nothing_selected",
        "structure.tied_weights_conflict",
        "structure.tied_weights",
        "structure.axis_unsupported",
        "structure.normalisation_or_embedding",
        "compat.nni_differs",
    ),
    "graph": (
        "structure.never_called",
        "structure.output_layer",
    ),
    "channels": (
        "structure.coupled_ratio_mismatch",
        "structure.coupled_partly_excluded",
        "structure.group_divisibility",
    ),
    "weights": ("structure.unbalanced_magnitudes",),
    "comments": (
        "comments.unused_suppression",
        "comments.unknown_rule",
    ),
}

OF_CHANNELS = frozenset({"PC404", "PC504", "PC508"})
"""The other rules that say more where a pruner masks whole channels."""


@cache
def rules(stage: str) -> tuple[Rule, ...]:
    """The rules of one stage."""
    return tuple(import_module(f"pruneconf.rules.{name}").check for name in RULES[stage])


def all_rules() -> list[Rule]:
    """Every rule, by code."""
    return sorted((rule for stage in RULES for rule in rules(stage)), key=lambda rule: rule.info.code)


def heard(stages: Collection[str]) -> list[RuleInfo]:
    """The rules that have had their whole say in a run of these stages (see `Examined`)."""
    infos = [rule.info for stage in RULES if stage in stages for rule in rules(stage)]
    return [info for info in infos if info.code not in OF_CHANNELS or "channels" in stages]
