"""The report of a pruning run: what was masked, from what, into what."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors
import torch

from pruneconf.document import pointer
from pruneconf.plan import Plan
from pruneconf.version import __version__

REPORT_FILE = "report.json"
PAGE_FILE = "report.html"


@dataclass(frozen=True, slots=True)
class LayerReport:
    """What became of one layer.

    `threshold` is the highest score among what is masked: for `level` a magnitude, else a channel's score or, coupled,
    the sum of its channels'. None where nothing is masked, or it is infinite.
    """

    name: str
    parameter: str
    numel: int
    masked: int
    sparsity: float
    decided_by: int | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What became of the layers of one `total_sparsity` sub-config; ratio and cap as the config writes them."""

    sub_config: int
    layers: tuple[str, ...]
    numel: int
    ratio: str
    masked: int
    cap: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all layers, shared weights counted once."""

    numel: int
    masked: int
    sparsity: float


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What was cut out: elements of all parameters before and after, and the largest difference of the compact model's
    outputs, as a share of the largest. `left` says of which layers the masked channels stayed, and why.
    """

    parameters: int
    compact_parameters: int
    difference: float
    left: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """`report.json` as data; its published schema is `report-v1.schema.json`. `seed` is None but for `random`,
    `compact` where no channels were to be cut out.
    """

    format: int
    pruner: str
    config: str
    layers: tuple[LayerReport, ...]
    groups: tuple[GroupReport, ...]
    totals: Totals
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    versions: Mapping[str, str]
    coupled: bool
    seed: int | None
    compact: CompactReport | None

    @property
    def masked(self) -> dict[str, int]:
        """How many elements of each layer are masked, by the layers' names."""
        return {layer.name: layer.masked for layer in self.layers}


def report_on(
    plan: Plan,
    seed: int,
    outcomes: Mapping[str, tuple[int, float | None]],
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    compact: CompactReport | None,
) -> Report:
    """Put a report together.

    `outcomes` has, by parameter, the masked elements and the highest score among them; a weight that is not there lost
    nothing.
    """
    place = pointer(plan.config.path)
    config = plan.config.document.name + (f"#{place}" if place else "")
    layers = tuple(_layer(plan, i, outcomes) for i in range(len(plan.layers)))
    masked = {layer.parameter: layer.masked for layer in layers}
    groups = tuple(
        GroupReport(
            group.sub_config,
            tuple(layer.name for layer in group.layers),
            group.numel,
            group.ratio.text,
            sum(masked[layer.parameter] for layer in group.layers),
            group.cap.text if group.cap else None,
        )
        for group in plan.groups
    )
    all_masked = sum(masked.values())
    totals = Totals(plan.numel, all_masked, _share(all_masked, plan.numel))
    drawn = seed if plan.pruner == "random" else None
    return Report(
        1, plan.pruner, config, layers, groups, totals, inputs, outputs, _versions(), plan.coupled, drawn, compact
    )


def _layer(plan: Plan, index: int, outcomes: Mapping[str, tuple[int, float | None]]) -> LayerReport:
    entry = plan.layers[index]
    layer = entry.layer
    masked, threshold = outcomes.get(layer.parameter, (0, None))
    share = _share(masked, layer.numel)
    return LayerReport(layer.name, layer.parameter, layer.numel, masked, share, entry.decided_by, threshold)


def _share(masked: int, numel: int) -> float:
    return masked / numel if numel else 0.0


def _versions() -> dict[str, Any]:
    return {
        "pruneconf": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
    }
