"""The device of the tests is what it is taken for: a place of its own."""

import numpy as np
import pytest
import torch
from strict_device import COUNT, NAME, STRICT

HERE = torch.arange(6.0)
MASK = HERE > 2


def there():
    return HERE.to(STRICT)


MIXTURES = {
    "arithmetic": lambda: there() + HERE,
    "the other way round": lambda: HERE + there(),
    "in place": lambda: there().mul_(HERE),
    "into memory": lambda: HERE.clone().mul_(there()),
    "into a number in memory": lambda: torch.ones(()).add_(there()[0]),
    "comparison": lambda: torch.equal(there(), HERE),
    "a mask to read by": lambda: there()[MASK],
    "a mask to write by": lambda: there().__setitem__(MASK, 0),
    "a mask to fill by": lambda: there().masked_fill_(MASK, 0),
    "where": lambda: torch.where(MASK, there(), there()),
    "concatenation": lambda: torch.cat([there(), HERE]),
    "another such device": lambda: there() + HERE.to(f"{NAME}:1"),
}


@pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES)
def test_refuses_what_is_elsewhere(mixture):
    with pytest.raises(RuntimeError, match="same device"):
        mixture()


@pytest.mark.parametrize("take", [torch.Tensor.numpy, np.asarray], ids=["numpy", "asarray"])
def test_is_not_for_numpy(take):
    with pytest.raises(TypeError, match="device type tensor to numpy"):
        take(there())


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn], ids=str)
def test_hardly_computes_with_what_gpus_hardly_compute_with(dtype):
    scarce = there().to(dtype)
    assert torch.equal(scarce.cpu(), HERE.to(dtype))
    with pytest.raises(NotImplementedError, match=f"{dtype}"):
        scarce == scarce  # noqa: B015, PLR0124


def test_takes_copies_and_numbers():
    tensor = there()
    tensor[:2] = torch.tensor([7.0, 8.0])
    tensor[4:].copy_(torch.tensor([5.0, 4.0]))
    assert torch.equal((tensor + torch.tensor(1.0) - 1).cpu(), torch.tensor([7.0, 8, 2, 3, 5, 4]))
    assert torch.equal(tensor[MASK.to(STRICT)].cpu(), tensor.cpu()[MASK])
    assert int(tensor.sum()) == 29


def test_views_share_memory():
    tensor = there()
    tensor.view(torch.int32)[1:3] = 0
    tensor.view(2, 3).t()[2].mul_(2)
    tensor[3:4].detach().fill_(9)
    assert torch.equal(tensor.cpu(), torch.tensor([0.0, 0, 0, 9, 4, 10]))
    assert tensor.reshape(-1).data_ptr() == tensor.data.data_ptr() == tensor[1:].data_ptr() - 4
    assert torch.equal(HERE, torch.arange(6.0))


def test_there_are_several():
    assert torch.ones(1, device=f"{NAME}:2").device == torch.device(NAME, 2)
    assert torch.ones(1, device=NAME).device == STRICT
    with pytest.raises(RuntimeError, match=f"invalid device ordinal {COUNT}"):
        torch.ones(1, device=f"{NAME}:{COUNT}")


def test_can_be_trained_on():
    torch.manual_seed(0)
    layers = [torch.nn.Linear(3, 2) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    for layer, inputs in zip(layers, [torch.ones(4, 3), torch.ones(4, 3, device=STRICT)], strict=True):
        optimiser = torch.optim.AdamW(layer.to(inputs.device).parameters())
        layer(inputs).pow(2).mean().backward()
        optimiser.step()
    assert torch.equal(layers[0].weight, layers[1].weight.cpu())
