"""Against Torch-Pruning's DependencyGraph, found by another method: equal on convolutional networks, finer elsewhere."""

import pytest
import torch
import torch_pruning as tp
from torch import nn
from torch.nn import functional

from pruneconf.graph import Side
from pruneconf.tracing import trace
from tests.models.check import randomized, wrong_units
from tests.models.vision import STANDARD

pytestmark = pytest.mark.filterwarnings("ignore")

IMAGE = torch.zeros(1, 3, 64, 64)


def is_depthwise(layer):
    return isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1


class Theirs:
    """Torch-Pruning's groups, as sets of (name, side, channel); what is neither convolution nor linear counts as out."""

    def __init__(self, model, *inputs):
        # a parameter that no layer uses as its weight or bias must be named, and found again, by itself
        own = {
            id(p)
            for module in model.modules()
            for p in (getattr(module, "weight", None), getattr(module, "bias", None))
        }
        free = [(parameter, 0) for parameter in model.parameters() if id(parameter) not in own]
        self.names = {id(module): name for name, module in [*model.named_modules(), *model.named_parameters()]}
        self.graph = tp.DependencyGraph()
        self.graph.build_dependency(model, inputs, unwrapped_parameters=free or None, verbose=False)

    def group(self, layer, channel):
        prune = tp.prune_linear_out_channels if isinstance(layer, nn.Linear) else tp.prune_conv_out_channels
        if is_depthwise(layer):
            prune = tp.prune_depthwise_conv_out_channels
        found = set()
        for dependency, channels in self.graph.get_pruning_group(layer, prune, [channel]):
            module = dependency.target.module
            reads = self.graph.is_in_channel_pruning_fn(dependency.handler) and not is_depthwise(module)
            side = "in" if reads and isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) else "out"
            if id(module) in self.names:  # not the nodes of concatenations and reshapes
                found |= {(self.names[id(module)], side, each) for each in channels}
        return found


class Ours:
    """The couplings of a graph, in the same form."""

    def __init__(self, model, *inputs):
        self.places = {}
        for coupling in trace(model, inputs).couplings:
            for member in coupling.members:
                for unit in member.units if member.side is Side.OUT else ():
                    self.places |= {(member.layer, each): (coupling, unit) for each in member.channels(unit)}

    def group(self, name, channel):
        if (name, channel) not in self.places:
            return {(name, "out", channel)}
        coupling, unit = self.places[name, channel]
        return {
            (member.layer, "in" if member.side is Side.IN else "out", each)
            for member in coupling.members
            for each in member.channels(unit)
        }


@pytest.mark.parametrize("build", STANDARD)
def test_equal(build):
    """The first, a middle and the last channel of every convolution and linear layer."""
    torch.manual_seed(0)
    model = build().eval()
    ours, theirs = Ours(model, IMAGE), Theirs(model, IMAGE)
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            size = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
            for channel in {0, size // 2, size - 1} if size > 1 else ():
                assert ours.group(name, channel) == theirs.group(layer, channel), (name, channel)


class Attention(nn.Module):
    """Between two linear layers; with fewer key than query heads, each key head serves several queries."""

    def __init__(self, query_heads, key_heads):
        super().__init__()
        self.heads = query_heads, key_heads
        self.query, self.out = nn.Linear(8, 4 * query_heads), nn.Linear(4 * query_heads, 8)
        self.key, self.value = nn.Linear(8, 4 * key_heads), nn.Linear(8, 4 * key_heads)

    def forward(self, x):
        query, key, value = (
            layer(x).view(1, 5, heads, 4).transpose(1, 2)
            for layer, heads in zip(
                (self.query, self.key, self.value), (self.heads[0], *[self.heads[1]] * 2), strict=True
            )
        )
        times = self.heads[0] // self.heads[1]
        key, value = (part.repeat_interleave(times, 1) if times > 1 else part for part in (key, value))
        weights = torch.softmax(query @ key.transpose(2, 3), -1)
        return self.out((weights @ value).transpose(1, 2).reshape(1, 5, -1))


class Grouped(nn.Sequential):
    """A grouped convolution: its weight has a quarter of the input channels."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 12, 3, groups=4), nn.Conv2d(12, 4, 1))


class Split(nn.Module):
    """As the blocks of YOLOv8: one half goes on through a layer, and all parts are put together again."""

    def __init__(self):
        super().__init__()
        self.wide, self.inner, self.last = nn.Conv2d(3, 8, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(12, 3, 1)

    def forward(self, x):
        one, other = self.wide(x).chunk(2, 1)
        return self.last(torch.cat([one, other, functional.silu(self.inner(other))], 1))


def rows(name, side, channels):
    return {(name, side, channel) for channel in channels}


TOKENS = torch.zeros(1, 5, 8)
FINER = {
    # Theirs takes both products of the attention for element by element, so that one channel of the queries has one
    # of the values with it, and no head is seen. In truth queries go with keys and values with outputs, head by head.
    "attention": (
        lambda: Attention(2, 2),
        TOKENS,
        ("query", 5),
        {
            *rows("query", "out", range(4, 8)),
            *(rows("key", "out", range(4, 8)) | rows("value", "out", range(4, 8)) | rows("out", "in", range(4, 8))),
        },
    ),
    # Two query heads share a key head; theirs does not see past the repetition, and names the one row of the key.
    "grouped-query attention": (
        lambda: Attention(4, 2),
        TOKENS,
        ("key", 0),
        {
            *(rows("query", "out", range(8)) | rows("key", "out", range(4))),
            *(rows("value", "out", range(4)) | rows("out", "in", range(8))),
        },
    ),
    # The weight of a grouped convolution counts within a group, so that what is read as its channel 1 is channel 1 of
    # every group. Theirs names input channel 5 of a weight that has two.
    "grouped convolution": (
        Grouped,
        IMAGE,
        ("0", 5),
        {*rows("0", "out", (1, 3, 5, 7)), *rows("1", "in", [1])},
    ),
    # Theirs counts the halves of the split from the wrong place: it names row 18 of a layer with 8.
    "split": (Split, IMAGE, ("wide", 6), {("wide", "out", 6), ("inner", "in", 2), ("last", "in", 6)}),
}


@pytest.mark.parametrize("name", FINER)
def test_finer(name):
    """Ours is what is written here and holds by numbers; theirs, if it gives anything, is another set."""
    build, inputs, (layer, channel), expected = FINER[name]
    torch.manual_seed(0)
    model = build().eval()
    assert Ours(model, inputs).group(layer, channel) == expected
    assert _theirs(model, inputs, layer, channel) != expected
    graph = trace(model, (inputs,))
    inputs = torch.randn_like(inputs, dtype=torch.float64)
    wrong, checked, felt = wrong_units(randomized(model), graph, lambda model: model(inputs))
    assert (wrong, felt) == ([], checked)


def _theirs(model, inputs, layer, channel):
    try:
        return Theirs(model, inputs).group(model.get_submodule(layer), channel)
    except (IndexError, ValueError, AssertionError, ZeroDivisionError, RuntimeError) as error:
        return error
