"""Coupled layers lose the same channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import channel_reference as reference
import pytest
import residual
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from syrupy.assertion import SnapshotAssertion

import pruneconf
from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning import apply, verify

MODEL = residual.trained()
GRAPH = pruneconf.trace(MODEL, residual.INPUTS)
ALL = {"op_types": ["Conv2d", "ConvTranspose2d"]}


def plan_of(config: list[dict[str, Any]], pruner: str = "l1") -> Plan:
    return pruneconf.resolve(pruneconf.load(config), GRAPH, pruner=pruner, coupled=True)


def lost(masks: dict[str, torch.Tensor], layer: str, axis: int = 0) -> set[int]:
    mask = masks[f"{layer}.weight"].movedim(axis, 0)
    mask = mask.reshape(len(mask), -1)
    assert torch.equal(mask.any(dim=1), mask.all(dim=1))
    return set(torch.nonzero(~mask.any(dim=1)).flatten().tolist())


@given(
    st.sampled_from(["l1", "l2", "fpgm", "random"]),
    st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.75, 0.9]),
    st.sampled_from(["sparsity_per_layer", "total_sparsity"]),
)
@settings(max_examples=25, deadline=None)
def test_what_goes_together_is_masked_together(pruner: str, ratio: float, key: str) -> None:
    model = residual.trained()
    plan = plan_of([{**ALL, key: ratio}], pruner)
    masks = pruneconf.prune(model, plan)
    gone = lost(masks, "stem")
    assert all(lost(masks, layer) == gone for layer in residual.RESIDUAL)
    for norm in ("norm", "blocks.0.norm2", "blocks.1.norm2"):
        assert lost(masks, norm) == gone
        assert {i for i, keep in enumerate(masks[f"{norm}.bias"].tolist()) if not keep} == gone
    assert lost(masks, "depthwise") == lost(masks, "grouped")
    for layer, channels in (("grouped", 16), ("wide", 16)):
        by_group = [sum(i * 4 // channels == group for i in lost(masks, layer)) for group in range(4)]
        assert len(set(by_group)) == 1
    assert len(lost(masks, "up", axis=1)) < 12
    masked = sum(int((~masks[entry.layer.parameter]).sum()) for entry in plan.layers if entry.action == "prune")
    assert masked <= plan.masked
    if key == "sparsity_per_layer":
        assert masked == plan.masked
        assert len(gone) == int(reference.exact(ratio) * 8)


def test_scores_are_summed_over_the_set() -> None:
    model = residual.trained()
    before = [reference.Conv(name, model.get_parameter(f"{name}.weight").detach(), 0) for name in residual.RESIDUAL]
    sums = [sum(scores) for scores in zip(*map(reference.l1, before), strict=True)]
    masks = pruneconf.prune(model, plan_of([{**ALL, "sparsity_per_layer": 0.5}]))
    assert lost(masks, "stem") == set(sorted(range(8), key=lambda channel: sums[channel])[:4])


CONFIGS = {
    "the least ratio counts": [{**ALL, "sparsity_per_layer": 0.5}, {"op_names": ["stem"], "sparsity_per_layer": 0.25}],
    "an excluded layer keeps all": [{**ALL, "sparsity_per_layer": 0.5}, {"op_names": ["stem"], "exclude": True}],
    "a layer that is not selected": [{"op_names": ["blocks.0.conv2", "grouped"], "sparsity_per_layer": 0.5}],
    "the output keeps its channels": [{"op_types": ["Conv2d", "Linear"], "sparsity_per_layer": 0.3}],
    "groups lose as many each": [{**ALL, "sparsity_per_layer": 0.4}],
    "no total over two sub-configs": [
        {**ALL, "total_sparsity": 0.5},
        {"op_partial_names": ["blocks.1"], "op_types": ["Conv2d"], "total_sparsity": 0.3},
    ],
    "a total with a cap": [{**ALL, "total_sparsity": 0.5, "max_sparsity_per_layer": 0.6}],
}


@pytest.mark.parametrize("name", CONFIGS)
def test_the_plan_says_the_effective_ratio(name: str, snapshot: SnapshotAssertion) -> None:
    plan = plan_of(CONFIGS[name])
    rows = [
        (entry.layer.name, entry.masked, entry.layer.numel, entry.held)
        for entry in plan.layers
        if entry.action == "prune"
    ]
    assert (rows, plan.masked) == snapshot


@pytest.mark.parametrize("name", CONFIGS)
def test_verify_knows_what_apply_made(name: str, tmp_path: Path) -> None:
    plan = plan_of(CONFIGS[name])
    report = apply(plan, residual.trained(), tmp_path / "out")
    assert verify(plan, tmp_path / "out").faults == ()
    assert report.totals.masked <= plan.masked
    apply(plan, residual.trained(), tmp_path / "bare", masks="none")
    assert verify(plan, tmp_path / "bare").faults == ()


def tamper(folder: Path, name: str, index: int, *, keep: bool) -> None:
    (folder / "report.json").unlink(missing_ok=True)
    masks, weights = load_file(folder / "masks.safetensors"), load_file(folder / "model.safetensors")
    masks[name][index] = keep
    weights[name][index] = weights[name][index] if keep else 0
    save_file(masks, folder / "masks.safetensors")
    save_file(weights, folder / "model.safetensors")


def test_verify_names_what_is_torn(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    plan = plan_of([{**ALL, "sparsity_per_layer": 0.5}])
    found = {}
    for what in ("conv", "norm", "bias", "element", "other pruner", "not coupled"):
        out = tmp_path / what
        apply(plan, residual.trained(), out)
        masks = load_file(out / "masks.safetensors")
        kept = next(i for i, keep in enumerate(masks["stem.bias"].tolist()) if keep)
        gone = next(i for i, keep in enumerate(masks["stem.bias"].tolist()) if not keep)
        other = plan
        if what == "other pruner":
            other = plan_of([{**ALL, "sparsity_per_layer": 0.5}], "l2")
        elif what == "not coupled":
            other = pruneconf.resolve(plan.config, GRAPH, pruner="l1")
        elif what == "element":
            tamper(out, "stem.weight", (kept, 0, 0, 0), keep=False)  # type: ignore[arg-type]
        elif what == "conv":
            tamper(out, "stem.weight", kept, keep=False)
        else:
            tamper(out, "norm.weight" if what == "norm" else "stem.bias", gone, keep=True)
        verdict = verify(other, out)
        assert not verdict.ok
        found[what] = verdict.faults[0].reason
    assert found == snapshot


def test_refusals() -> None:
    with pytest.raises(PruneconfError, match="`level` masks no channels"):
        plan_of([{**ALL, "sparsity_per_layer": 0.5}], "level")
    modules = pruneconf.trace(torch.nn.Sequential(torch.nn.Flatten(0)), {"no": "such"})
    with pytest.raises(PruneconfError, match="`Sequential` was not traced"):
        pruneconf.resolve(pruneconf.load([]), modules, pruner="l1", coupled=True)
