"""Cut masked channels out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import residual
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import pruneconf
from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning import CutOut, apply, compact, load_compact, verify

INPUTS = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(1))
ALL = {"op_types": ["Conv2d", "ConvTranspose2d"]}


def run(model: nn.Module) -> torch.Tensor:
    return model(INPUTS)


def planned(model: nn.Module, config: list[dict[str, Any]], inputs: object = residual.INPUTS) -> Plan:
    graph = pruneconf.trace(model, inputs)
    return pruneconf.resolve(pruneconf.load(config), graph, pruner="l1", coupled=True)


@pytest.mark.parametrize("amount", [{"sparsity_per_layer": 0.5}, {"total_sparsity": 0.6}])
def test_a_residual_network_gets_smaller_and_computes_the_same(amount: dict[str, float]) -> None:
    model = residual.trained()
    plan = planned(model, [{**ALL, **amount}])
    masks = pruneconf.prune(model, plan)
    masked = run(model)
    found = compact(model, plan, masks, run)
    assert found.left == ()
    assert torch.equal(run(model), masked)
    assert torch.allclose(run(found.model), masked, atol=1e-5)
    before = dict(model.named_parameters())
    for name, parameter in found.model.named_parameters():
        module, _, own = name.rpartition(".")
        if plan.by_name[module].action == "prune" and own == "weight":
            axis = 1 if module == "up" else 0
            alive = masks[name].movedim(axis, 0).reshape(before[name].shape[axis], -1).any(dim=1)
            assert parameter.shape[axis] == int(alive.sum())
    assert found.model.blocks[0].conv1.out_channels == found.model.blocks[0].conv2.in_channels
    assert found.model.depthwise.groups == found.model.up.in_channels == found.model.grouped.out_channels
    assert found.parameters < 0.5 * sum(parameter.numel() for parameter in model.parameters())


def test_a_written_compact_model_loads_into_a_built_one(tmp_path: Path) -> None:
    model = residual.trained()
    plan = planned(model, [{**ALL, "sparsity_per_layer": 0.5}])
    report = apply(plan, model, tmp_path / "out", cut_out=CutOut(residual.Residual(), run))
    assert verify(plan, tmp_path / "out").ok
    built = residual.Residual().eval()
    load_compact(built, tmp_path / "out" / "compact.safetensors")
    pruneconf.prune(model, plan)
    assert torch.allclose(run(built), run(model), atol=1e-5)
    assert report.compact is not None
    assert report.compact.compact_parameters == sum(parameter.numel() for parameter in built.parameters())
    with pytest.raises(PruneconfError, match="cannot read"):
        load_compact(built, tmp_path / "none.safetensors")
    with pytest.raises(PruneconfError, match="the model has no `"):
        load_compact(nn.Linear(2, 2), tmp_path / "out" / "compact.safetensors")


class Grouped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 4, 1)
        self.norm = nn.GroupNorm(2, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.three(self.norm(self.two(self.one(x).relu())))


class Sized(nn.Module):
    """Its code holds a size of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(800, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.conv(x).relu().view(len(x), 8 * 100))


def test_what_cannot_be_cut_out_stays_and_is_named() -> None:
    torch.manual_seed(0)
    model = Grouped()
    plan = planned(model, [{"op_names": ["one", "two"], "sparsity_per_layer": 0.5}])
    found = compact(model, plan, pruneconf.prune(model, plan), run)
    assert found.left == ((("two",), "`norm` is a `GroupNorm`, which takes its statistics over masked channels too"),)
    assert found.model.one.out_channels == found.model.two.in_channels == 4
    assert torch.allclose(run(found.model), run(model), atol=1e-5)


def test_refusals() -> None:
    model = Sized()
    plan = planned(model, [{"op_names": ["conv"], "sparsity_per_layer": 0.5}])
    with pytest.raises(PruneconfError, match=r"`conv` stays, because the smaller model does not run .*shape"):
        compact(model, plan, pruneconf.prune(model, plan), run)
    apart = pruneconf.resolve(plan.config, plan.graph, pruner="l1")
    with pytest.raises(PruneconfError, match="only coupled channels"):
        compact(model, apart, {}, run)


class Attention(nn.Module):
    """Eight heads of four channels each read two heads of keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = nn.Linear(16, 32), nn.Linear(16, 8), nn.Linear(16, 8), nn.Linear(32, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (each(x).unflatten(-1, (-1, 4)).transpose(1, 2) for each in (self.q, self.k, self.v))
        k, v = (each.repeat_interleave(4, dim=1) for each in (k, v))
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + self.o(y.transpose(1, 2).flatten(2))


@pytest.mark.parametrize(("ratio", "heads"), [(0.4, 0), (0.5, 1), (0.9, 1)])
def test_heads_that_share_keys_and_values_go_together(ratio: float, heads: int) -> None:
    torch.manual_seed(0)
    model, x = Attention(), torch.randn(2, 5, 16)
    plan = planned(model, [{"op_names": ["q", "k", "v"], "sparsity_per_layer": ratio}], x)
    masks = pruneconf.prune(model, plan)
    for name, run_of_heads in (("q", 16), ("k", 4), ("v", 4)):
        assert int((~masks[f"{name}.bias"]).sum()) == heads * run_of_heads
        if not heads:
            assert plan.by_name[name].held == f"its channels go {run_of_heads} at a time"
    if heads:
        found = compact(model, plan, masks, lambda each: each(x))
        assert (found.left, found.model.q.out_features, found.model.k.out_features) == ((), 16, 4)
        assert torch.allclose(found.model(x), model(x), atol=1e-6)


class Softened(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.three(self.two(self.one(x).relu()).sigmoid())


def test_masked_channels_that_do_not_stay_zero_are_named_where_they_are_read() -> None:
    torch.manual_seed(0)
    model = Softened()
    plan = planned(model, [{"op_names": ["one", "two"], "sparsity_per_layer": 0.5}])
    ((layers, why),) = compact(model, plan, pruneconf.prune(model, plan), run).left
    assert layers == ("two",)
    assert why.startswith("`three` reads more than zeros from its masked channels")


def test_a_compact_model_keeps_the_dtypes_of_the_checkpoint(tmp_path: Path) -> None:
    model = residual.trained()
    plan = planned(model, [{**ALL, "sparsity_per_layer": 0.5}])
    halves = {key: value.bfloat16() if "blocks" in key else value for key, value in model.state_dict().items()}
    halves |= {key: value for key, value in model.state_dict().items() if key.endswith("tracked")}
    save_file(halves, tmp_path / "halves.safetensors")
    apply(plan, tmp_path / "halves.safetensors", tmp_path / "out", cut_out=CutOut(residual.Residual(), run))
    written = load_file(tmp_path / "out" / "compact.safetensors")
    assert {key: value.dtype for key, value in written.items()} == {key: value.dtype for key, value in halves.items()}
    del halves["fc.bias"]
    save_file(halves, tmp_path / "partly.safetensors")
    with pytest.raises(PruneconfError, match=r"lack `fc\.bias`, without which the smaller model cannot be tried out"):
        apply(plan, tmp_path / "partly.safetensors", tmp_path / "other", cut_out=CutOut(residual.Residual(), run))
    assert not (tmp_path / "other").exists()


def test_a_compact_model_loads_into_one_without_values(tmp_path: Path) -> None:
    model = residual.trained()
    plan = planned(model, [{**ALL, "sparsity_per_layer": 0.5}])
    masks = pruneconf.prune(model, plan)
    save_file(compact(model, plan, masks, run).model.state_dict(), tmp_path / "compact.safetensors")
    with torch.device("meta"):
        built = residual.Residual().eval()
    load_compact(built, tmp_path / "compact.safetensors")
    assert torch.allclose(run(built), run(model), atol=1e-5)
