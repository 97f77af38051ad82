"""From a model's code to what is said of a config: what ties channels together in real networks, and other pruners miss."""

from pathlib import Path

import pytest
import torch
from torch import nn

from pruneconf.config import read_config
from pruneconf.document import parse
from pruneconf.output.text import render
from pruneconf.rules import lint
from pruneconf.tracing import trace

IMAGE = torch.zeros(1, 3, 16, 16)


def conv(into, out, kernel=3, **more):
    return nn.Conv2d(into, out, kernel, padding=kernel // 2, **more)


class Model(nn.Module):
    """Layers by name, and a function of them and of the input."""

    def __init__(self, run, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.run = run

    def forward(self, x):
        return self.run(self, x)


def depthwise():
    return Model(
        lambda m, x: m.fc(m.point(m.depth(m.stem(x))).mean((2, 3))),
        stem=conv(3, 16),
        depth=conv(16, 16, groups=16),
        point=conv(16, 32, 1),
        fc=nn.Linear(32, 10),
    )


def concatenation_into_an_addition():
    return Model(
        lambda m, x: m.fc((torch.cat([m.left(x), m.right(x)], 1) + m.all(x)).mean((2, 3))),
        left=conv(3, 8),
        right=conv(3, 8),
        all=conv(3, 16),
        fc=nn.Linear(16, 10),
    )


def residual_from_the_input():
    return Model(
        lambda m, x: m.fc((x + m.back(m.conv(x))).mean((2, 3))), conv=conv(3, 8), back=conv(8, 3), fc=nn.Linear(3, 10)
    )


def gate_of_one_channel():
    return Model(
        lambda m, x: m.fc((m.conv(x) * m.gate(x).sigmoid()).mean((2, 3))),
        conv=conv(3, 16),
        gate=conv(3, 1),
        fc=nn.Linear(16, 10),
    )


def squeeze_and_excite():
    def run(m, x):
        y = m.conv(x)
        return m.fc((y * m.up(m.down(y.mean((2, 3))).relu()).sigmoid()[:, :, None, None]).mean((2, 3)))

    return Model(run, conv=conv(3, 16), down=nn.Linear(16, 4), up=nn.Linear(4, 16), fc=nn.Linear(16, 10))


def group_norm():
    return Model(
        lambda m, x: m.fc(m.norm(m.conv(x)).mean((2, 3))),
        conv=conv(3, 32),
        norm=nn.GroupNorm(8, 32),
        fc=nn.Linear(32, 10),
    )


def transposed_convolution():
    return Model(
        lambda m, x: m.out(m.up(m.conv(x)) + m.skip(x)[:, :, ::1, ::1]),
        conv=conv(3, 8, stride=2),
        up=nn.ConvTranspose2d(8, 16, 2, stride=2),
        skip=conv(3, 16),
        out=conv(16, 3, 1),
    )


def module_called_twice():
    return Model(
        lambda m, x: m.fc(m.again(m.again(m.stem(x))).mean((2, 3))),
        stem=conv(3, 16),
        again=conv(16, 16),
        fc=nn.Linear(16, 10),
        spare=nn.Linear(16, 10),
    )


UNEVEN = """
- op_types: [{types}]
  sparsity_per_layer: 0.5
- op_names: [{names}]
  sparsity_per_layer: 0.25
"""
HALF = "- op_types: [{types}]\n  sparsity_per_layer: 0.5\n- op_names: [{names}]\n  exclude: true\n"
CASES = {
    "depthwise": (depthwise, UNEVEN.replace("{names}", "depth, fc")),
    "concatenation into an addition": (concatenation_into_an_addition, UNEVEN.replace("{names}", "right, fc")),
    "residual from the input": (residual_from_the_input, HALF.replace("{names}", "fc")),
    "gate of one channel": (gate_of_one_channel, HALF.replace("{names}", "fc, gate")),
    "squeeze and excite": (squeeze_and_excite, HALF.replace("{names}", "fc, up")),
    "group norm": (group_norm, "- op_names: [conv]\n  sparsity_per_layer: 0.7\n"),
    "transposed convolution": (transposed_convolution, UNEVEN.replace("{names}", "up")),
    "module called twice": (module_called_twice, HALF.replace("{names}", "stem")),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_under_l1(case, snapshot):
    build, text = case
    with torch.device("meta"):
        model = build()
    graph = trace(model, IMAGE, root=Path(__file__).parent)
    text = text.replace("{types}", ", ".join(name for name in graph.types if name != "GroupNorm"))
    found = lint(read_config(parse(text, "config.yaml")), graph, "l1")
    shown = render(found, lambda text, style: text)
    assert shown == snapshot
