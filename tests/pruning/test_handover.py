"""Masks in other tools' forms."""

import copy

import pytest
import torch
from strict_device import NAME
from torch.nn.utils import prune as torch_prune

import pruneconf
from pruneconf import PruneconfError


@pytest.fixture(params=["cpu", NAME])
def place(request):
    return request.param


@pytest.fixture
def pruned(model, plan):
    dense = copy.deepcopy(model)
    return dense, model, pruneconf.prune(model, plan)


def test_layers_that_share_a_weight_have_its_mask(pruned):
    dense, _, masks = pruned
    found = pruneconf.by_layer(dense, masks)
    assert {layer: list(each) for layer, each in found.items()} == {
        name: ["weight"] for name in ("embed", "head", "hidden", "narrow")
    }
    assert found["head"]["weight"] is found["embed"]["weight"]
    for layer, each in found.items():
        weight = dense.get_submodule(layer).weight
        assert (each["weight"].dtype, each["weight"].device) == (weight.dtype, weight.device)
        assert set(each["weight"].unique().tolist()) <= {0.0, 1.0}


def test_torch_prune_holds_them(pruned, place):
    dense, masked, masks = pruned
    for layer, each in pruneconf.by_layer(dense, masks).items():
        for name, mask in each.items():
            torch_prune.custom_from_mask(dense.get_submodule(layer), name, mask)
    inputs = torch.tensor([[1, 2, 3]], device=place)
    assert torch.equal(dense(inputs), masked(inputs))
    assert torch_prune.is_pruned(dense)
    for module in (dense.embed, dense.head, dense.hidden, dense.narrow):
        torch_prune.remove(module, "weight")
    wanted = masked.state_dict()
    assert dense.state_dict().keys() == wanted.keys()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in dense.state_dict().items())


def test_a_model_of_one_layer():
    model = torch.nn.Linear(2, 1, bias=False)
    assert list(pruneconf.by_layer(model, {"weight": torch.tensor([[True, False]])})) == [""]


def test_masks_of_another_model_are_refused(model):
    with pytest.raises(PruneconfError, match=r"the model lacks `conv\.weight`"):
        pruneconf.by_layer(model, {"conv.weight": torch.ones(1, dtype=torch.bool)})
