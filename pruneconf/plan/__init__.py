"""What a config does to a model."""

from pruneconf.plan.channels import ChannelBudget, ChannelSet
from pruneconf.plan.model import Action, Budget, Group, LayerPlan, Plan, Takeover, check_channels
from pruneconf.plan.pruners import Pruner, channel_axis, maskable, maskables, pruner_named
from pruneconf.plan.resolve import resolve
from pruneconf.plan.selection import DEFAULT_TYPES, LayerSet, Selection, bits

__all__ = [
    "DEFAULT_TYPES",
    "Action",
    "Budget",
    "ChannelBudget",
    "ChannelSet",
    "Group",
    "LayerPlan",
    "LayerSet",
    "Plan",
    "Pruner",
    "Selection",
    "Takeover",
    "bits",
    "channel_axis",
    "check_channels",
    "maskable",
    "maskables",
    "pruner_named",
    "resolve",
]
