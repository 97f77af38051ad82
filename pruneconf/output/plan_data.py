"""A plan as data (schema/plan-v1.schema.json)."""

from __future__ import annotations

from typing import Any

from pruneconf.graph import Coupling, ModelGraph, Side
from pruneconf.plan import Group, Plan


def plan_data(plan: Plan) -> dict[str, Any]:
    """What `show --format json` prints."""
    graph = plan.graph
    return {
        "format": 1,
        "pruner": plan.pruner.value,
        "coupled": plan.coupled,
        "model": {"source": graph.source, "layers": len(graph.layers), "parameters": graph.parameters},
        "layers": [_layer(plan, i) for i in range(len(plan.layers))],
        "groups": [_group(group) for group in plan.groups],
        "totals": {"numel": plan.numel, "masked": plan.masked, "sparsity": share(plan.masked, plan.numel)},
    }


def couplings_data(graph: ModelGraph) -> list[dict[str, Any]]:
    """What `--groups` adds: which channels can only be removed together. The graph file tells which ones they are."""
    return [_coupling(coupling) for coupling in graph.couplings]


def _coupling(coupling: Coupling) -> dict[str, Any]:
    return {
        "units": coupling.units,
        "divisor": coupling.divisor,
        **{side.value: list(coupling.layers(side)) for side in Side},
        "joins": [list(join) for join in coupling.joins],
        "limits": [list(limit) for limit in coupling.limits],
        "pins": [list(pin) for pin in coupling.pins],
    }


def share(part: int, whole: int) -> float:
    """Part of the whole, 0 where there is nothing."""
    return part / whole if whole else 0.0


def _layer(plan: Plan, index: int) -> dict[str, Any]:
    entry = plan.layers[index]
    size = entry.unit if plan.structured else 0
    return {
        "name": entry.layer.name,
        "type": entry.layer.type,
        "shape": list(entry.layer.shape),
        "numel": entry.layer.numel,
        "decided_by": entry.decided_by,
        "selected_by": list(plan.selected_by(index)),
        "action": entry.action.value,
        "ratio": entry.ratio.text if entry.ratio else None,
        "masked": entry.masked,
        "channels": entry.layer.numel // size if size else None,
        "masked_channels": entry.masked // size if size and entry.masked is not None else None,
        "held": entry.held or None,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "sub_config": group.sub_config,
        "layers": [layer.name for layer in group.layers],
        "numel": group.numel,
        "ratio": group.ratio.text,
        "masked": group.masked,
        "cap": group.cap.text if group.cap else None,
        "max_masked": dict(group.max_masked),
    }
