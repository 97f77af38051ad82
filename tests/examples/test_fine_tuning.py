"""The fine-tuning of the digits example keeps what was pruned, and brings the accuracy back."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"


@pytest.fixture
def curve(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script as a module, beside the ones it imports; forgotten again afterwards."""
    names = ("model", "data", "drawing", "curve")
    monkeypatch.syspath_prepend(str(EXAMPLE))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the layers are too small for more
    yield import_module("curve")
    torch.set_num_threads(threads)
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("way", "ratio"), [("per layer", 0.95), ("total", 0.95), ("channels", 0.7)])
def test_masks_hold_and_the_accuracy_comes_back(curve: ModuleType, way: str, ratio: float) -> None:
    torch.manual_seed(0)
    images, labels, test_images, test_labels = curve.load()
    pruner, config_of = curve.WAYS[way]
    model, masks = curve.pruned(pruner, config_of(ratio))
    before = curve.accuracy(model, test_images, test_labels)
    settings: list[tuple[float, float]] = []
    held: list[bool] = []

    def watch(optimizer: Any, *_: Any) -> None:
        settings.extend((group["momentum"], group["weight_decay"]) for group in optimizer.param_groups)

    watching = register_optimizer_step_post_hook(watch)
    looking = model.block.conv1.register_forward_pre_hook(
        lambda *_: held.append(not any(model.get_parameter(name)[~mask].any() for name, mask in masks.items()))
    )
    curve.tune(model, masks, images, labels, epochs=2)
    looking.remove()
    watching.remove()

    assert settings
    assert all(momentum > 0 and decay > 0 for momentum, decay in settings)
    assert all(held)
    zeros = {name: int((model.get_parameter(name) == 0).sum()) for name in masks}
    assert zeros == {name: int((~mask).sum()) for name, mask in masks.items()}
    assert curve.accuracy(model, test_images, test_labels) > before + 0.1


def test_without_masks_the_same_training_fills_the_zeros(curve: ModuleType) -> None:
    images, labels, *_ = curve.load()
    model, masks = curve.pruned("level", curve.per_layer(0.95))
    curve.tune(model, {}, images, labels, epochs=1)
    assert all(model.get_parameter(name)[~mask].any() for name, mask in masks.items())


def test_the_picture_draws_every_line(curve: ModuleType) -> None:
    lines = {"a, pruned": [0.9, 0.1], "a, fine-tuned": [1.0, 0.8]}
    picture = ET.fromstring(curve.curves([0.5, 0.975], lines))
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"50", "97.5", *lines} <= set(texts)


def test_the_page_shows_what_the_picture_draws(curve: ModuleType) -> None:
    docs = EXAMPLE.parents[1] / "docs"
    table = re.findall(
        r"^\| (.+, (?:pruned|fine-tuned)) \| (.+) \|$", (docs / "fine-tuning.md").read_text(), re.MULTILINE
    )
    shown = {name: [float(number) / 100 for number in numbers.split(" | ")] for name, numbers in table}
    assert list(shown) == [f"{way}, {moment}" for way in curve.WAYS for moment in ("pruned", "fine-tuned")]
    paths = re.compile(r'd="M([\d. ]+)"/>')
    wanted, drawn = curve.curves(curve.RATIOS, shown), (docs / "pictures" / "fine-tuning.svg").read_text()
    assert re.sub(paths, "", drawn) == re.sub(paths, "", wanted)
    for line, other in zip(paths.findall(drawn), paths.findall(wanted), strict=True):
        assert [float(x) for x in line.split()] == pytest.approx([float(x) for x in other.split()], abs=0.3)
