"""A small convolutional network for 8x8 digits, with one residual block."""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions, and a way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        y = self.norm1(self.conv1(x)).relu()
        return (x + self.norm2(self.conv2(y))).relu()


class DigitsNet(nn.Module):
    """Images of shape (N, 1, 8, 8) to logits of shape (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 24, 3, padding=1)
        self.block = Block(24)
        self.widen = nn.Conv2d(24, 48, 3, stride=2, padding=1)
        self.hidden = nn.Linear(48 * 2 * 2, 64)
        self.classifier = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the ten digits."""
        x = self.block(self.stem(x).relu())
        x = nn.functional.max_pool2d(self.widen(x).relu(), 2)
        return self.classifier(self.hidden(x.flatten(1)).relu())


def build_model() -> DigitsNet:
    return DigitsNet()


example_inputs = torch.zeros(1, 1, 8, 8)
