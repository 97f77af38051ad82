"""Couplings proved by numbers on known architectures: a unit without what makes it has no effect."""

import pytest
import torch

from pruneconf.graph import Origin
from pruneconf.tracing import trace
from tests.models.check import randomized, wrong_units
from tests.models.families import FAMILIES, family
from tests.models.vision import densenet121, resnet18, unet, vgg16

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def one_thread():
    """More do not help such small tensors, and get in the way of other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


LEAST_FELT = 3
"""Of how many units one at least must matter while it is whole; many are dead behind a ReLU in small random models."""


@pytest.mark.parametrize("name", FAMILIES)
def test_families_of_transformers(name):
    model, inputs = family(name)
    graph = trace(model, inputs)
    assert graph.origin is Origin.OPERATORS
    torch.manual_seed(1)
    inputs = {key: value.double() if value.is_floating_point() else value for key, value in inputs.items()}
    wrong, checked, felt = wrong_units(randomized(model), graph, lambda model: model(**inputs).last_hidden_state)
    assert wrong == []
    assert checked < LEAST_FELT * felt


@pytest.mark.parametrize("build", [resnet18, densenet121, vgg16, unet])
def test_convolutional_networks(build):
    torch.manual_seed(0)
    model, images = build(), torch.randn(1, 3, 32, 32, dtype=torch.float64)
    graph = trace(model, (images.float(),))
    some = graph._replace(couplings=graph.couplings[:: 1 + len(graph.couplings) // 10])
    wrong, checked, felt = wrong_units(randomized(model), some, lambda model: model(images))
    assert wrong == []
    assert checked < LEAST_FELT * felt
