"""ResNet-18 with half of its coupled channels cut out: parameters and FLOPs against what the plan says, forward time
before and after, and how far the outputs are from those of the masked model.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import pruneconf
from pruneconf.graph import Side
from pruneconf.plan import Plan

CONFIG = [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}]
IMAGE = (3, 224, 224)
RUNS = 20


class Block(nn.Module):
    """Two convolutions beside a shortcut ("Deep residual learning for image recognition", He et al., CVPR 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, channels, height, width) to the same with other channels."""
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.downsample(x)).relu()


class ResNet18(nn.Module):
    """The 18-layer residual network for images of 1,000 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        widths = (64, 64, 128, 256, 512)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(Block(inputs, outputs, 1 + (outputs > inputs)), Block(outputs, outputs, 1))
                for inputs, outputs in pairwise(widths)
            )
        )
        self.fc = nn.Linear(512, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (batch, 3, height, width) to (batch, 1000)."""
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        return self.fc(self.layers(x).mean((2, 3)))


def build() -> ResNet18:
    """The network with statistics of its norms as training leaves them."""
    torch.manual_seed(0)
    model = ResNet18().train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.2)
        for _ in range(5):
            model(torch.randn(4, *IMAGE))
    return model.eval()


def kept(plan: Plan) -> dict[tuple[str, Side], float]:
    """The share of its channels that each layer keeps by the plan, of those that it makes and those that it reads."""
    return {
        (name, side): 1 - each.most / each.channels.units
        for each in plan.channel_sets
        for side in Side
        for name in each.channels.layers(side)
    }


def flops(model: nn.Module) -> dict[str, int]:
    """Of the convolutions and linear layers, by name, for one image."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *IMAGE))
    counts = counter.get_flop_counts()
    names = {
        f"{type(model).__name__}.{name}": name for name, module in model.named_modules() if not [*module.children()]
    }
    return {name: sum(counts[full].values()) for full, name in names.items() if full in counts}


def predicted(model: nn.Module, plan: Plan) -> tuple[float, float]:
    """Parameters and FLOPs that the plan leaves, from what it says of each layer alone."""
    shares = kept(plan)
    parameters = operations = 0.0
    before = flops(model)
    for layer in plan.graph.layers:
        made = shares.get((layer.name, Side.OUT), shares.get((layer.name, Side.THROUGH), 1))
        read = shares.get((layer.name, Side.IN), 1)
        bias = getattr(model.get_submodule(layer.name), "bias", None)
        parameters += layer.numel * made * read + (0 if bias is None else bias.numel() * made)
        operations += before.get(layer.name, 0) * made * read
    return parameters, operations


def seconds(models: list[nn.Module], batch: Tensor) -> Iterator[float]:
    """The median CPU seconds of one forward pass of each model, run in turn."""
    times: list[list[float]] = [[] for _ in models]
    with torch.no_grad():
        for turn in range(RUNS + 2):
            for model, taken in zip(models, times, strict=True):
                before = time.process_time()
                model(batch)
                if turn > 1:
                    taken.append(time.process_time() - before)
    return map(median, times)


def main() -> None:
    model = build()
    inputs = torch.randn(8, *IMAGE)
    graph = pruneconf.trace(model, inputs[:1])
    plan = pruneconf.resolve(pruneconf.load(CONFIG), graph, pruner="l1", coupled=True)
    parameters, operations = predicted(model, plan)
    full = (sum(each.numel() for each in model.parameters()), sum(flops(model).values()))
    before = time.perf_counter()
    masks = pruneconf.prune(model, plan)
    between = time.perf_counter()
    found = pruneconf.compact(model, plan, masks, lambda each: each(inputs))
    after = time.perf_counter()
    print(
        f"ResNet-18, 50 % coupled l1: masked in {between - before:.1f} s, cut out and proved in {after - between:.1f} s"
    )
    rows = (
        ("parameters", full[0], found.parameters, parameters),
        ("FLOPs", full[1], sum(flops(found.model).values()), operations),
    )
    for what, was, now, said in rows:
        verdict = "as planned" if now == said else f"MISSED: the plan says {said:,.0f}"
        print(f"{what:12} {was:15,} -> {now:13,}  ({now / was:.1%}: {verdict})")
    torch.set_num_threads(1)
    for size in (1, 8):
        was, now = (1e3 * each for each in seconds([model, found.model], inputs[:size]))
        print(f"{f'forward x{size}':12} {was:12.1f} ms -> {now:10.1f} ms  ({was / now:.1f} times as fast, one thread)")
    with torch.no_grad():
        expected, got = model(inputs), found.model(inputs)
    print(
        f"largest difference of outputs: {(got - expected).abs().max():.1e}, outputs up to {expected.abs().max():.2g}"
    )


if __name__ == "__main__":
    main()
