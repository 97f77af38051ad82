"""The standard convolutional architectures, written out as their papers and torchvision have them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


def conv_norm(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: type[nn.Module] | None = None
) -> nn.Sequential:
    layers = [conv(inputs, outputs, kernel, stride, groups), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([act()] if act else []))


def ends(width: int, classes: int = 10) -> tuple[nn.Module, ...]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)


class Residual(nn.Module):
    """A sum of two ways, and what comes after it."""

    def __init__(self, way: nn.Module, shortcut: nn.Module, after: nn.Module) -> None:
        super().__init__()
        self.way, self.shortcut, self.after = way, shortcut, after

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.shortcut(x) + self.way(x))


def _resnet(depths: list[int], way: Callable[[int, int, int], nn.Module], expansion: int) -> nn.Sequential:
    layers: list[nn.Module] = [conv_norm(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, depth in enumerate(depths):
        for block in range(depth):
            width, stride = 64 << stage, 2 if stage and not block else 1
            same = inputs == width * expansion and stride == 1
            shortcut = nn.Identity() if same else conv_norm(inputs, width * expansion, 1, stride)
            layers.append(Residual(way(inputs, width, stride), shortcut, nn.ReLU()))
            inputs = width * expansion
    return nn.Sequential(*layers, *ends(inputs))


def resnet18() -> nn.Module:
    def way(inputs: int, width: int, stride: int) -> nn.Module:
        return nn.Sequential(*conv_norm(inputs, width, 3, stride, act=nn.ReLU), *conv_norm(width, width))

    return _resnet([2, 2, 2, 2], way, 1)


def resnet50() -> nn.Module:
    def way(inputs: int, width: int, stride: int) -> nn.Module:
        first, second = conv_norm(inputs, width, 1, act=nn.ReLU), conv_norm(width, width, 3, stride, act=nn.ReLU)
        return nn.Sequential(*first, *second, *conv_norm(width, 4 * width, 1))

    return _resnet([3, 4, 6, 3], way, 4)


def mobilenet_v2() -> nn.Module:
    layers: list[nn.Module] = [conv_norm(3, 32, 3, 2, act=nn.ReLU6)]
    inputs = 32
    settings = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    for factor, width, depth, stride in settings:
        for block in range(depth):
            hidden, step = inputs * factor, 1 if block else stride
            widen = [conv_norm(inputs, hidden, 1, act=nn.ReLU6)] if factor > 1 else []
            depthwise = conv_norm(hidden, hidden, 3, step, hidden, nn.ReLU6)
            way = nn.Sequential(*widen, depthwise, conv_norm(hidden, width, 1))
            same = inputs == width and step == 1
            layers.append(Residual(way, nn.Identity(), nn.Identity()) if same else way)
            inputs = width
    return nn.Sequential(*layers, conv_norm(inputs, 1280, 1, act=nn.ReLU6), *ends(1280))


class SqueezeExcite(nn.Module):
    def __init__(self, width: int, narrow: int) -> None:
        super().__init__()
        self.narrow, self.widen = nn.Conv2d(width, narrow, 1), nn.Conv2d(narrow, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = nn.functional.silu(self.narrow(x.mean((2, 3), keepdim=True)))
        return x * torch.sigmoid(self.widen(gate))


def efficientnet_b0() -> nn.Module:
    layers: list[nn.Module] = [conv_norm(3, 32, 3, 2, act=nn.SiLU)]
    inputs = 32
    settings = (
        *((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3)),
        *((6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)),
    )
    for factor, width, depth, stride, kernel in settings:
        for block in range(depth):
            hidden, step = inputs * factor, 1 if block else stride
            widen = [conv_norm(inputs, hidden, 1, act=nn.SiLU)] if factor > 1 else []
            depthwise = conv_norm(hidden, hidden, kernel, step, hidden, nn.SiLU)
            way = nn.Sequential(*widen, depthwise, SqueezeExcite(hidden, inputs // 4), conv_norm(hidden, width, 1))
            same = inputs == width and step == 1
            layers.append(Residual(way, nn.Identity(), nn.Identity()) if same else way)
            inputs = width
    return nn.Sequential(*layers, conv_norm(inputs, 1280, 1, act=nn.SiLU), *ends(1280))


class Dense(nn.Module):
    """A layer of DenseNet: its output is put behind its input."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            *(nn.BatchNorm2d(inputs), nn.ReLU(), conv(inputs, 4 * growth, 1)),
            *(nn.BatchNorm2d(4 * growth), nn.ReLU(), conv(4 * growth, growth)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.way(x)], dim=1)


def densenet121() -> nn.Module:
    width, growth = 64, 32
    layers: list[nn.Module] = [conv_norm(3, width, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
    for stage, depth in enumerate((6, 12, 24, 16)):
        if stage:
            layers += [nn.BatchNorm2d(width), nn.ReLU(), conv(width, width // 2, 1), nn.AvgPool2d(2)]
            width //= 2
        for _ in range(depth):
            layers.append(Dense(width, growth))
            width += growth
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU(), *ends(width))


def vgg16(hidden: int = 512) -> nn.Module:
    """With a smaller classifier, which would have nine of ten parameters."""
    layers: list[nn.Module] = []
    inputs = 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2)]
        inputs = width or inputs
    head = (nn.Linear(inputs * 49, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 10))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *head)


class Norm2d(nn.LayerNorm):
    """A LayerNorm over the channels of images."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.way = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.scale = nn.Parameter(torch.full((width,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        way = self.scale * self.way(self.depthwise(x).permute(0, 2, 3, 1))
        return x + way.permute(0, 3, 1, 2)


def convnext_tiny() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 96, 4, 4), Norm2d(96)]
    for stage, depth in enumerate((3, 3, 9, 3)):
        width = 96 << stage
        if stage:
            layers += [Norm2d(width // 2), nn.Conv2d(width // 2, width, 2, 2)]
        layers += [ConvNextBlock(width) for _ in range(depth)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(768), nn.Linear(768, 10))


class UNet(nn.Module):
    """Down, across and up again: each step up puts what came down beside what comes up."""

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64)) -> None:
        super().__init__()
        steps = list(zip((3, *widths), widths, strict=False))
        self.down = nn.ModuleList(conv_norm(inputs, outputs, act=nn.ReLU) for inputs, outputs in steps)
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(wide, narrow, 2, 2) for wide, narrow in pairs)
        self.join = nn.ModuleList(conv_norm(2 * narrow, narrow, act=nn.ReLU) for _, narrow in pairs)
        self.last = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for step, down in enumerate(self.down):
            x = down(x if not step else nn.functional.max_pool2d(x, 2))
            kept.append(x)
        for beside, up, join in zip(kept[-2::-1], self.up, self.join, strict=True):
            x = join(torch.cat([up(x), beside], dim=1))
        return self.last(x)


def unet() -> nn.Module:
    return UNet()


STANDARD = (resnet18, resnet50, mobilenet_v2, densenet121, vgg16, convnext_tiny, efficientnet_b0, unet)
