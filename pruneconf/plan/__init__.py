"""What a config does to a model."""

from pruneconf.plan.channels import ChannelBudget, ChannelSet
from pruneconf.plan.model import Action, Budget, Group, LayerPlan, Plan, Takeover, check_channels
from pruneconf.plan.pruners import PRUNERS, is_structured, output_axis
from pruneconf.plan.resolve import resolve
from pruneconf.plan.selection import DEFAULT_TYPES, LayerSet, Selection, bits

__all__ = [
    "DEFAULT_TYPES",
    "PRUNERS",
    "Action",
    "Budget",
    "ChannelBudget",
    "ChannelSet",
    "Group",
    "LayerPlan",
    "LayerSet",
    "Plan",
    "Selection",
    "Takeover",
    "bits",
    "check_channels",
    "is_structured",
    "output_axis",
    "resolve",
]
