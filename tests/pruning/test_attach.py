"""Masked weights stay at zero while a model is trained."""

import copy

import pytest
import torch
from strict_device import NAME
from tied import Tied

import pruneconf
from pruneconf import PruneconfError

OPTIMISERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1),
    "adam": lambda p: torch.optim.Adam(p, 0.01),
    "adamw": lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1),
    "lbfgs": lambda p: torch.optim.LBFGS(p, 0.1, max_iter=3),
}
TOKENS = torch.tensor([[1, 5, 2], [7, 0, 11]])


def output(model, tokens=TOKENS):
    return model(tokens.to(model.hidden.weight.device))


def step(model, optimiser):
    def loss():
        optimiser.zero_grad()
        loss = output(model).pow(2).mean()
        loss.backward()
        return loss

    optimiser.step(loss)


def held(model, masks):
    weights = {name: model.get_parameter(name) for name in masks}
    return all(bool((weight[~masks[name].to(weight.device)] == 0).all()) for name, weight in weights.items())


@pytest.fixture(params=["cpu", NAME])
def place(request):
    return request.param


@pytest.fixture(params=OPTIMISERS)
def optimiser(request, model):
    """An optimiser that has already gathered momentum when the masks come."""
    optimiser = OPTIMISERS[request.param](model.parameters())
    for _ in range(3):
        step(model, optimiser)
    return optimiser


def test_steps_keep_masked_weights_at_zero(model, plan, optimiser):
    masks = pruneconf.prune(model, plan)
    before = copy.deepcopy(model.state_dict())
    handle = pruneconf.attach(model, masks)
    for _ in range(4):
        step(model, optimiser)
        assert held(model, masks)
    assert not torch.equal(model.embed.weight, before["embed.weight"])
    assert model.head.weight is model.embed.weight
    for name, mask in masks.items():
        assert bool((model.get_parameter(name).grad[~mask] == 0).all())
    handle.remove()
    assert held(model, masks)
    step(model, optimiser)
    assert not held(model, masks)


def test_the_state_dict_is_plain_and_loads_back(model, plan):
    masks = pruneconf.prune(model, plan)
    names = list(model.state_dict())
    handle = pruneconf.attach(model, masks)
    state = model.state_dict()
    assert list(state) == names
    fresh = type(model)()
    fresh.load_state_dict(state)
    assert held(fresh, masks)
    handle.remove()
    assert list(model.state_dict()) == names


@pytest.mark.parametrize("assign", [False, True])
def test_a_loaded_state_dict_is_masked(model, plan, assign):
    masks = pruneconf.prune(model, plan)
    pruneconf.attach(model, masks)
    model.load_state_dict(type(model)().state_dict(), assign=assign)
    assert held(model, masks)
    assert held(model, {"head.weight": masks["embed.weight"]})
    step(model, torch.optim.SGD(model.parameters(), 0.1))
    assert held(model, masks)


def test_changes_by_hand_are_undone_before_they_count(model, plan):
    masks = pruneconf.prune(model, plan)
    pruneconf.attach(model, masks)
    model.hidden.weight.data.fill_(1)
    output(model)
    assert held(model, masks)
    model.hidden.weight.data.fill_(1)
    model.state_dict()
    assert held(model, masks)


def test_two_forward_passes_before_one_backward(model, plan):
    pruneconf.attach(model, pruneconf.prune(model, plan))
    (output(model).sum() + output(model, TOKENS.flip(0)).sum()).backward()


@pytest.mark.parametrize("place", ["cpu"])  # the device of the tests has no sparse tensors
def test_a_frozen_weight_and_a_sparse_gradient(model, plan):
    masks = pruneconf.prune(model, plan)
    model.hidden.requires_grad_(False)
    model.head.weight = torch.nn.Parameter(model.embed.weight.detach().clone())
    model.embed.sparse = True
    pruneconf.attach(model, masks)
    step(model, torch.optim.SGD(model.parameters(), 0.1))
    assert held(model, masks)


def test_a_copy_of_the_model_is_held_too(model, plan):
    masks = pruneconf.prune(model, plan)
    pruneconf.attach(model, masks)
    twin = copy.deepcopy(model)
    twin.hidden.weight.data.fill_(1)
    output(twin)
    assert held(twin, masks)


@pytest.mark.parametrize(
    "masks",
    [
        {"hiden.weight": torch.ones(8, 8, dtype=torch.bool)},
        {"model.hidden.weight": torch.ones(8, 8, dtype=torch.bool)},
        {"hidden.weight": torch.ones(8, dtype=torch.bool)},
        {"hidden.weight": torch.ones(8, dtype=torch.uint8)},
    ],
    ids=["unknown", "prefixed", "misshapen", "packed"],
)
def test_masks_that_do_not_fit(masks, snapshot):
    with pytest.raises(PruneconfError) as caught:
        pruneconf.attach(Tied(), masks)
    assert str(caught.value) == snapshot


def test_masks_that_are_none(model, plan):
    with pytest.raises(PruneconfError, match="masks are no `str` but a dict, parameter name to bool tensor; give"):
        pruneconf.attach(model, "out/masks.safetensors")
