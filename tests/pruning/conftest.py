"""Small models, and the plans that configs make of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tied import CONFIG, Tied, plan_of
from torch import nn

from pruneconf.plan import Plan


@pytest.fixture
def place() -> str:
    """The device that the model is on."""
    return "cpu"


@pytest.fixture
def model(place: str) -> Tied:
    torch.manual_seed(0)
    with torch.device(place):
        return Tied()


@pytest.fixture
def plan(model: nn.Module) -> Plan:
    return plan_of(model, CONFIG)


Files = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def files() -> Files:
    """The bytes of every file below a directory, hidden ones included."""
    return lambda folder: {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
