"""Which channels go together: the whole answer for small models, one for each way in which channels are joined."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from pruneconf.graph import Member
from pruneconf.tracing import trace
from tests.models.check import randomized, wrong_units

pytestmark = pytest.mark.filterwarnings("ignore")


def conv(inputs, outputs, **more):
    return nn.Conv2d(inputs, outputs, 3, padding=1, **more)


class Net(nn.Module):
    """Layers by name, and a forward pass over them."""

    def __init__(self, run, **layers):
        super().__init__()
        self.run = run
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs):
        return self.run(self, *inputs)


def described(model, *inputs):
    """Each coupling as text, a line each; members without the fields that have their defaults."""
    lines = []
    for coupling in trace(model, inputs).couplings:
        notes = [f"{join.op}" for join in coupling.joins]
        notes += [f"{limit.kind} {limit.groups} in {limit.module}" for limit in coupling.limits]
        notes += [f"pinned: {pin.kind} {pin.name}".strip() for pin in coupling.pins]
        lines.append(f"{coupling.units} units" + "".join(f", {note}" for note in notes))
        lines += [f"    {member_text(member)}" for member in coupling.members]
    return "\n".join(lines)


def member_text(member: Member) -> str:
    defaults = Member._field_defaults
    extra = [
        f"{name} {value}" for name, value in member._asdict().items() if name in defaults and value != defaults[name]
    ]
    return " ".join([f"{member.layer} {member.side} {member.axis} size {member.size}", *extra])


IMAGE = torch.zeros(1, 3, 8, 8)
IDS = torch.ones(1, 5, dtype=torch.long)


def residual_add():
    def run(net, x):
        x = functional.relu(net.norm(net.conv1(x)))
        return net.fc(functional.adaptive_avg_pool2d(x + net.conv2(x), 1).flatten(1))

    layers = {"conv1": conv(3, 8), "norm": nn.BatchNorm2d(8), "conv2": conv(8, 8), "fc": nn.Linear(8, 5)}
    return Net(run, **layers), IMAGE


def concat_feeding_an_add():
    def run(net, x):
        both = torch.cat([net.left(x), net.right(x)], dim=1)
        return net.last(both + net.wide(x))

    return Net(run, left=conv(3, 4), right=conv(3, 6), wide=conv(3, 10), last=conv(10, 2)), IMAGE


def flatten():
    return nn.Sequential(conv(3, 4), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(16, 5)), IMAGE


def depthwise():
    return nn.Sequential(conv(3, 6), conv(6, 6, groups=6), nn.Conv2d(6, 4, 1)), IMAGE


def depthwise_multiplier():
    return nn.Sequential(conv(3, 6), conv(6, 12, groups=6), nn.Conv2d(12, 4, 1)), IMAGE


def grouped():
    return nn.Sequential(conv(3, 8), conv(8, 12, groups=4), nn.Conv2d(12, 4, 1)), IMAGE


def group_norm():
    return nn.Sequential(conv(3, 8), nn.GroupNorm(4, 8), conv(8, 2)), IMAGE


def transposed():
    return nn.Sequential(conv(3, 6), nn.ConvTranspose2d(6, 4, 2, stride=2), nn.BatchNorm2d(4), conv(4, 2)), IMAGE


def squeeze_and_excite():
    def run(net, x):
        x = net.conv(x)
        gate = net.widen(functional.relu(net.narrow(functional.adaptive_avg_pool2d(x, 1))))
        return net.last(x * torch.sigmoid(gate))

    return Net(run, conv=conv(3, 8), narrow=nn.Conv2d(8, 2, 1), widen=nn.Conv2d(2, 8, 1), last=conv(8, 4)), IMAGE


def one_channel_gate():
    def run(net, x):
        x = net.conv(x)
        return net.last(x * torch.sigmoid(net.gate(x)))

    return Net(run, conv=conv(3, 8), gate=conv(8, 1), last=conv(8, 4)), IMAGE


def residual_from_the_input():
    def run(net, x):
        return net.last(x + net.second(net.first(x)))

    return Net(run, first=conv(3, 6), second=conv(6, 3), last=conv(3, 2)), IMAGE


def multi_head_attention():
    def run(net, ids):
        x = net.embed(ids)
        return net.fc(x + net.attention(x, x, x, need_weights=False)[0])

    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    return Net(run, embed=nn.Embedding(10, 8), attention=attention, fc=nn.Linear(8, 3)), IDS


def grouped_query_attention():
    def rotate(x):
        first, second = x.chunk(2, dim=-1)
        return x * 0.5 + torch.cat([-second, first], dim=-1) * 0.5

    def run(net, ids):
        x = net.embed(ids)
        query, key, value = (f(x).view(1, 5, -1, 4).transpose(1, 2) for f in (net.query, net.key, net.value))
        query, key = rotate(net.scale(query)), rotate(key)
        key, value = (part.repeat_interleave(4, dim=1) for part in (key, value))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return net.head(net.out(mixed.transpose(1, 2).reshape(1, 5, 32)))

    layers = {"query": nn.Linear(16, 32), "key": nn.Linear(16, 8), "value": nn.Linear(16, 8), "scale": nn.LayerNorm(4)}
    return Net(run, embed=nn.Embedding(10, 16), **layers, out=nn.Linear(32, 16), head=nn.Linear(16, 3)), IDS


def multi_query_attention():
    def run(net, ids):
        x = net.embed(ids)
        query = net.query(x).view(1, 5, 4, 4).transpose(1, 2)
        key, value = (part.view(1, 5, 1, 4).transpose(1, 2).expand(1, 4, 5, 4) for part in net.both(x).chunk(2, -1))
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return net.head(net.out(mixed.transpose(1, 2).reshape(1, 5, 16)))

    layers = {"query": nn.Linear(16, 16), "both": nn.Linear(16, 8), "out": nn.Linear(16, 16)}
    return Net(run, embed=nn.Embedding(10, 16), **layers, head=nn.Linear(16, 3)), IDS


def tied_embedding():
    def run(net, ids):
        return net.head(net.block(net.embed(ids)))

    net = Net(run, embed=nn.Embedding(10, 6), block=nn.Linear(6, 6), head=nn.Linear(6, 10, bias=False))
    net.head.weight = net.embed.weight
    return net, IDS


def shared_module():
    def run(net, x):
        x = net.stem(x)
        return net.last(net.block(functional.relu(net.block(x))))

    return Net(run, stem=conv(3, 6), block=conv(6, 6), last=conv(6, 2)), IMAGE


def slices():
    def run(net, x):
        whole = net.wide(x)
        first, second, third = torch.split(whole, [2, 3, 3], dim=1)
        return net.a(first) + net.b(second * third) + net.c(whole[:, 1:4])

    return Net(run, wide=conv(3, 8), a=conv(2, 4), b=conv(3, 4), c=conv(3, 4)), IMAGE


def chunks_with_a_gate():
    def run(net, x):
        value, gate = net.both(x).chunk(2, dim=-1)
        return net.down(functional.silu(gate) * value)

    return Net(run, both=nn.Linear(3, 12), down=nn.Linear(6, 3)), torch.zeros(1, 3)


def recurrent():
    def run(net, ids):
        return net.fc(net.lstm(net.embed(ids))[0])

    return Net(run, embed=nn.Embedding(10, 6), lstm=nn.LSTM(6, 4, batch_first=True), fc=nn.Linear(4, 3)), IDS


def shuffled():
    def run(net, x):
        x = net.wide(x)
        x = x.view(1, 2, 3, 8, 8).transpose(1, 2).reshape(1, 6, 8, 8)
        return net.last(x)

    return Net(run, wide=conv(3, 6), last=conv(6, 2)), IMAGE


def written_in_place():
    def run(net, x):
        out = x.new_zeros(1, 10, 8, 8)
        out[:, :4] = net.left(x)
        out[:, 4:] = net.right(x)
        return net.last(out)

    return Net(run, left=conv(3, 4), right=conv(3, 6), last=conv(10, 2)), IMAGE


MODELS = [
    residual_add,
    concat_feeding_an_add,
    flatten,
    depthwise,
    depthwise_multiplier,
    grouped,
    group_norm,
    transposed,
    squeeze_and_excite,
    one_channel_gate,
    residual_from_the_input,
    multi_head_attention,
    grouped_query_attention,
    multi_query_attention,
    tied_embedding,
    shared_module,
    slices,
    chunks_with_a_gate,
    recurrent,
    shuffled,
    written_in_place,
]


@pytest.mark.parametrize("build", MODELS)
def test_couplings(build, snapshot):
    model, *inputs = build()
    assert described(model, *inputs) == snapshot


@pytest.mark.parametrize("build", MODELS)
def test_a_unit_without_its_makers_has_no_effect(build):
    torch.manual_seed(0)
    model, *inputs = build()
    graph = trace(model, tuple(inputs))
    inputs = [torch.randn_like(each, dtype=torch.float64) if each.is_floating_point() else each for each in inputs]
    wrong, _, _ = wrong_units(randomized(model), graph, lambda model: model(*inputs))
    assert wrong == []
