"""Structured pruning against a scan written from the semantics."""

from __future__ import annotations

import hashlib
from pathlib import Path

import channel_reference as reference
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import pruneconf
from pruneconf.errors import PruneconfError
from pruneconf.pruning import apply
from pruneconf.pruning.floats import FORMATS

AXES = {nn.Conv1d: 0, nn.Conv2d: 0, nn.Linear: 0, nn.ConvTranspose2d: 1, nn.ConvTranspose1d: 1}
DTYPES = [getattr(torch, known.name) for known in FORMATS if known.width > 8]  # torch computes with no others
RATIOS = [0, 0.2, 0.29, 0.3, 0.5, 0.57, 0.9]
CAPS = [1, 0.9, 0.6, 0.5]


class Conv1D(nn.Module):
    """The linear layer of GPT-2: its weight is (inputs, outputs)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))


class Mine(nn.Conv2d):
    """A type of the user's own that is a convolution."""


def layer_of(kind: type[nn.Module], inputs: int, outputs: int, *, bias: bool) -> nn.Module:
    if kind is nn.Linear:
        return nn.Linear(inputs, outputs, bias=bias)
    if kind is Conv1D:
        return Conv1D(inputs, outputs)
    return kind(inputs, outputs, 2, bias=bias)  # type: ignore[call-arg]


@st.composite
def models(draw: st.DrawFn, whole: bool = True) -> nn.ModuleDict:
    """A few layers; with `whole`, weights with many ties whose sums and distances are exact."""
    kinds = [*AXES, Conv1D, Mine]
    found = nn.ModuleDict()
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1 << 30)))
    for i in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(kinds))
        layer = layer_of(kind, draw(st.integers(1, 3)), draw(st.integers(1, 9)), bias=draw(st.booleans()))
        layer.to(draw(st.sampled_from(DTYPES)))
        for parameter in layer.parameters():
            parameter.requires_grad_(requires_grad=False)
            values = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) + 2
            parameter.copy_((values * 2).round() / 2 if whole else values.float())
        found[f"layer{i}"] = layer
    return found


def convs_of(model: nn.ModuleDict) -> list[reference.Conv]:
    axes = {Conv1D: 1, Mine: 0, **AXES}
    return [reference.Conv(name, layer.weight.detach().clone(), axes[type(layer)]) for name, layer in model.items()]


def check(model: nn.ModuleDict, config: list[dict[str, object]], pruner: str, wanted: list[set[int]]) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    plan = pruneconf.resolve(pruneconf.load(config), pruneconf.trace(model), pruner=pruner)
    masks = pruneconf.prune(model, plan)
    expected = {}
    for conv, gone in zip(convs_of(model), wanted, strict=True):
        mask = torch.ones_like(conv.weight, dtype=torch.bool)
        mask.index_fill_(conv.axis, torch.tensor(sorted(gone), dtype=torch.int64), value=False)
        expected[f"{conv.name}.weight"] = mask
        if f"{conv.name}.bias" in before:
            expected[f"{conv.name}.bias"] = torch.tensor([j not in gone for j in range(mask.shape[conv.axis])])
    assert masks.keys() <= expected.keys()
    for name, tensor in model.state_dict().items():
        keep = masks.get(name, torch.ones_like(tensor, dtype=torch.bool))
        assert torch.equal(keep, expected[name]), name
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name].masked_fill(~keep, 0))
    masked = sum(int((~masks[f"{conv.name}.weight"]).sum()) for conv in convs_of(model))
    assert masked <= plan.masked
    if not plan.groups:
        assert masked == plan.masked


@given(models(), st.sampled_from(["l1", "l2"]), st.sampled_from(RATIOS))
def test_each_layer_loses_its_lowest_channels(model: nn.ModuleDict, pruner: str, ratio: float) -> None:
    wanted = reference.per_layer(convs_of(model), reference.SCORES[pruner], ratio)
    check(model, [{"op_partial_names": ["layer"], "sparsity_per_layer": ratio}], pruner, wanted)


@given(models(), st.sampled_from(["l1", "l2"]), st.sampled_from(RATIOS), st.sampled_from(CAPS))
def test_a_total_is_shared_out_by_score(model: nn.ModuleDict, pruner: str, ratio: float, cap: float) -> None:
    config = [{"op_partial_names": ["layer"], "total_sparsity": ratio, "max_sparsity_per_layer": cap}]
    plan = pruneconf.resolve(pruneconf.load(config), pruneconf.trace(model), pruner=pruner)
    convs = convs_of(model)
    wanted = reference.in_total(convs, reference.SCORES[pruner], ratio, cap)
    if plan.groups[0].feasible:
        check(model, config, pruner, wanted)
        return
    with pytest.raises(PruneconfError, match="its caps leave room for"):
        pruneconf.prune(model, plan)
    left = plan.groups[0].masked - sum(plan.groups[0].max_masked.values())
    assert left >= min(conv.weight.numel() // conv.weight.shape[conv.axis] for conv in convs)


@given(models(whole=False), st.sampled_from(RATIOS), st.sampled_from(["sparsity_per_layer", "total_sparsity"]))
@settings(max_examples=50)
def test_fpgm_takes_the_channels_nearest_to_the_others(model: nn.ModuleDict, ratio: float, key: str) -> None:
    convs = convs_of(model)
    distances = {conv.name: reference.fpgm(conv) for conv in convs}
    for conv in convs:  # a layer of two channels has two equal distances, which only exact sums rank by order
        distances[conv.name] = [float(f"{score:.10g}") for score in distances[conv.name]]
    score = lambda conv: distances[conv.name]  # noqa: E731
    wanted = (
        reference.per_layer(convs, score, ratio)
        if key == "sparsity_per_layer"
        else reference.in_total(convs, score, ratio, 1)
    )
    check(model, [{"op_partial_names": ["layer"], key: ratio}], "fpgm", wanted)


@given(models(), st.integers(0, 3), st.sampled_from(RATIOS))
@settings(max_examples=30)
def test_random_depends_on_the_seed_and_the_name_alone(model: nn.ModuleDict, seed: int, ratio: float) -> None:
    graph = pruneconf.trace(model)
    one = pruneconf.load([{"op_partial_names": ["layer"], "sparsity_per_layer": ratio}])
    alone = pruneconf.load([{"op_names": ["layer0"], "sparsity_per_layer": ratio}])
    masks = pruneconf.prune(model, pruneconf.resolve(one, graph, pruner="random"), seed=seed)
    again = pruneconf.prune(model, pruneconf.resolve(alone, graph), "random", seed=seed)
    assert all(torch.equal(mask, masks[name]) for name, mask in again.items())
    for conv in convs_of(model):
        lost = ~masks[f"{conv.name}.weight"].movedim(conv.axis, 0).flatten(1).any(dim=1)
        assert int(lost.sum()) == int(reference.exact(ratio) * lost.numel())


def test_random_draws_are_those_of_a_hash() -> None:
    model = nn.ModuleDict({"fc": nn.Linear(3, 12)})
    config = pruneconf.load([{"op_names": ["fc"], "sparsity_per_layer": 0.5}])
    masks = pruneconf.prune(model, pruneconf.resolve(config, pruneconf.trace(model), pruner="random"), seed=7)
    draws = hashlib.shake_256(b"7:fc.weight").digest(96)
    order = sorted(range(12), key=lambda channel: int.from_bytes(draws[8 * channel : 8 * channel + 8], "little"))
    assert set(order[:6]) == {channel for channel, keep in enumerate(masks["fc.bias"].tolist()) if not keep}


def test_a_seed_without_a_draw_is_refused(tmp_path: Path) -> None:
    model = nn.ModuleDict({"fc": nn.Linear(3, 12)})
    config = pruneconf.load([{"op_names": ["fc"], "sparsity_per_layer": 0.5}])
    plan = pruneconf.resolve(config, pruneconf.trace(model))
    before = model["fc"].weight.clone()
    for refused in (
        lambda: pruneconf.prune(model, plan, seed=0),
        lambda: apply(plan, model, tmp_path / "out", pruner="l1", seed=7),
    ):
        with pytest.raises(PruneconfError, match=r"`seed` is for the pruner `random`, not `l"):
            refused()
    assert torch.equal(model["fc"].weight, before)
    assert not (tmp_path / "out").exists()


def test_the_groups_of_a_transposed_convolution_lose_the_same_channels() -> None:
    """Its weight has the channels of one group, its bias those of all."""
    model = nn.ModuleDict({"up": nn.ConvTranspose2d(4, 6, 2, groups=2)})
    with torch.no_grad():
        model["up"].weight.copy_(torch.arange(1, 4).reshape(1, 3, 1, 1).expand(4, 3, 2, 2))
    plan = pruneconf.resolve(
        pruneconf.load([{"op_names": ["up"], "sparsity_per_layer": 0.4}]), pruneconf.trace(model), pruner="l1"
    )
    masks = pruneconf.prune(model, plan)
    assert masks["up.bias"].tolist() == [False, True, True, False, True, True]
    assert model["up"](torch.randn(1, 4, 3, 3))[:, [0, 3]].abs().max() == 0


@pytest.mark.parametrize("pruner", ["l1", "l2", "fpgm", "random"])
@pytest.mark.parametrize("fault", ["nan", "type"])
def test_refusals(pruner: str, fault: str) -> None:
    model = nn.ModuleDict({"fc": nn.Linear(2, 4), "norm": nn.LayerNorm(4)})
    names = ["fc"] if fault == "nan" else ["fc", "norm"]
    if fault == "nan":
        model["fc"].weight.data[1, 1] = float("nan")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    plan = pruneconf.resolve(
        pruneconf.load([{"op_names": names, "sparsity_per_layer": 0.5}]), pruneconf.trace(model), pruner=pruner
    )
    with pytest.raises(PruneconfError, match="`fc` has 1 NaN" if fault == "nan" else "`norm` is a `LayerNorm`"):
        pruneconf.prune(model, plan)
    assert all(tensor.equal(before[name]) or fault == "nan" for name, tensor in model.state_dict().items())


def test_infinite_channels_rank_last() -> None:
    model = nn.ModuleDict({"fc": nn.Linear(2, 4)})
    with torch.no_grad():
        model["fc"].weight.copy_(torch.tensor([[float("inf"), 0], [3e38, 3e38], [float("-inf"), 1], [1, 1]]))
    config = pruneconf.load([{"op_names": ["fc"], "sparsity_per_layer": 0.75}])
    plan = pruneconf.resolve(config, pruneconf.trace(model), pruner="l2")
    assert pruneconf.prune(model, plan)["fc.bias"].tolist() == [False, False, True, False]
    model["fc"].weight.data[0, 0] = float("inf")
    with pytest.raises(PruneconfError, match="`fc` has infinite weights"):
        pruneconf.prune(model, plan, "fpgm")
