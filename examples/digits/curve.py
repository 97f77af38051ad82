"""Accuracy against sparsity, before and after fine-tuning with the masks attached: python curve.py [PICTURE.svg].

Prunes the trained network to ratio after ratio and prints a Markdown table. The fine-tuned
numbers are means of SEEDS runs, which differ in the order of the images. Two minutes on one core.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from data import accuracy, load
from drawing import curves
from model import build_model
from safetensors.torch import load_file
from torch import Tensor, nn

import pruneconf

WEIGHTS = load_file(Path(__file__).with_name("weights.safetensors"))
RATIOS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.975)
EPOCHS = 10
SEEDS = 3


def per_layer(ratio: float) -> list[dict[str, object]]:
    """The same ratio for each layer but the first and the last."""
    return [{"op_types": ["Conv2d", "Linear"], "sparsity_per_layer": ratio}, SPARED]


def total(ratio: float) -> list[dict[str, object]]:
    """The ratio for all layers together but the first and the last, no more than 0.99 in one."""
    group = {"op_types": ["Conv2d", "Linear"], "total_sparsity": ratio, "max_sparsity_per_layer": max(0.99, ratio)}
    return [group, SPARED]


SPARED = {"op_names": ["stem", "classifier"], "exclude": True}
WAYS: dict[str, tuple[str, Callable[[float], list[dict[str, object]]]]] = {
    "per layer": ("level", per_layer),
    "total": ("level", total),
    "channels": ("l1", per_layer),
}


def pruned(pruner: str, config: list[dict[str, object]]) -> tuple[nn.Module, dict[str, Tensor]]:
    """The trained network with its masks."""
    model = build_model()
    model.load_state_dict(WEIGHTS)
    plan = pruneconf.resolve(pruneconf.load(config), pruneconf.trace(model))
    return model, pruneconf.prune(model, plan, pruner)


def tune(model: nn.Module, masks: Mapping[str, Tensor], images: Tensor, labels: Tensor, epochs: int = EPOCHS) -> None:
    """Train on with the masks attached, by gradient descent with momentum and weight decay."""
    handle = pruneconf.attach(model, masks)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, total_iters=epochs)
    for _ in range(epochs):
        model.train()
        for batch in torch.randperm(len(labels)).split(64):
            loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    handle.remove()


def runs(pruner: str, config: list[dict[str, object]], seeds: int) -> tuple[float, float]:
    """The accuracy after pruning and, on average, after fine-tuning."""
    images, labels, test_images, test_labels = load()
    before, after = 0.0, 0.0
    for seed in range(seeds):
        torch.manual_seed(seed)
        model, masks = pruned(pruner, config)
        before = accuracy(model, test_images, test_labels)
        tune(model, masks, images, labels)
        after += accuracy(model, test_images, test_labels) / seeds
    return before, after


def main() -> None:
    torch.set_num_threads(1)  # the same sums in the same order, however many cores there are
    lines: dict[str, list[float]] = {}
    print("| | " + " | ".join(f"{ratio:g}" for ratio in RATIOS) + " |\n|---|" + "---|" * len(RATIOS))
    for way, (pruner, config_of) in WAYS.items():
        results = [runs(pruner, config_of(ratio), SEEDS) for ratio in RATIOS]
        for moment, numbers in zip(("pruned", "fine-tuned"), zip(*results, strict=True), strict=True):
            lines[f"{way}, {moment}"] = list(numbers)
            print(f"| {way}, {moment} | " + " | ".join(f"{100 * x:.1f}" for x in numbers) + " |", flush=True)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(curves(RATIOS, lines), encoding="utf-8")


if __name__ == "__main__":
    main()
