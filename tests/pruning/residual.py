"""A small network with what couples channels: a residual, norms, a grouped and a depthwise convolution, a flatten."""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x + self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))).relu()


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.blocks = nn.Sequential(Block(8), Block(8))
        self.wide = nn.Conv2d(8, 16, 1)
        self.grouped = nn.Conv2d(16, 16, 3, groups=4)
        self.depthwise = nn.Conv2d(16, 16, 3, groups=16)
        self.up = nn.ConvTranspose2d(16, 12, 2)
        self.fc = nn.Linear(12 * 4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.wide(self.blocks(self.norm(self.stem(x)).relu())).relu()
        x = self.up(self.depthwise(self.grouped(x))).relu()
        return self.fc(nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))


INPUTS = torch.zeros(1, 3, 12, 12)
RESIDUAL = ("stem", "blocks.0.conv2", "blocks.1.conv2")
"""The layers whose channels are added up."""


def trained() -> Residual:
    """The network with statistics and scales as training leaves them."""
    torch.manual_seed(0)
    model = Residual()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
    model.train()
    for _ in range(3):
        model(torch.randn(8, 3, 12, 12))
    return model.eval()
