"""The structured pruners, written down from the specification sentence by sentence: slow, and without anything clever.

A layer is a name, a weight (float64 tensor), the axis of its output channels, and its cap in channels.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import torch


class Conv(NamedTuple):
    name: str
    weight: torch.Tensor
    axis: int


def exact(number):
    """The decimal as written."""
    return Fraction(repr(number))


def rows(conv):
    """The elements of each output channel."""
    return [channel.reshape(-1).tolist() for channel in conv.weight.double().unbind(conv.axis)]


def l1(conv):
    return [math.fsum(map(abs, row)) for row in rows(conv)]


def l2(conv):
    return [math.sqrt(math.fsum(value * value for value in row)) for row in rows(conv)]


def fpgm(conv):
    channels = rows(conv)
    return [math.fsum(math.dist(one, other) for other in channels) for one in channels]


SCORES = {"l1": l1, "l2": l2, "fpgm": fpgm}


def scan(scores, sizes, most, count):
    """Take channels in the order of score, layer, channel, as long as their elements sum to at most `count`; pass over
    those of layers that are full."""
    order = sorted((score, i, j) for i, of_layer in enumerate(scores) for j, score in enumerate(of_layer))
    taken = [set() for _ in scores]
    masked = 0
    for _, i, j in order:
        if len(taken[i]) == most[i]:
            continue
        if masked + sizes[i] > count:
            break
        masked += sizes[i]
        taken[i].add(j)
    return taken


def per_layer(convs, scores, ratio):
    """floor(ratio * channels) of each layer."""
    return [
        scan([of_layer], [1], [len(of_layer)], math.floor(exact(ratio) * len(of_layer)))[0]
        for of_layer in (scores(conv) for conv in convs)
    ]


def in_total(convs, scores, ratio, cap):
    """Channels of all layers together, floor(cap * channels) of each at most."""
    numel = sum(conv.weight.numel() for conv in convs)
    sizes = [conv.weight.numel() // conv.weight.shape[conv.axis] for conv in convs]
    most = [math.floor(exact(cap) * conv.weight.shape[conv.axis]) for conv in convs]
    return scan([scores(conv) for conv in convs], sizes, most, math.floor(exact(ratio) * numel))
