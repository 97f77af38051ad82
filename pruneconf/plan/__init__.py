"""What a config does to a model."""

from pruneconf.plan.model import Action, Budget, Group, LayerPlan, Plan

__all__ = ["Action", "Budget", "Group", "LayerPlan", "Plan"]
