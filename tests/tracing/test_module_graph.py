"""The module tree as a graph: what is a layer, what is not and why, who shares a weight with whom."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from torch import nn
from torch.nn.utils import parametrizations, prune

from pruneconf.errors import PruneconfError
from pruneconf.graph import graph_text
from pruneconf.tracing import module_graph
from pruneconf.tracing import trace as trace_forward

SCHEMA = Draft7Validator(json.loads((Path(__file__).parents[2] / "schema/graph-v1.schema.json").read_text("utf-8")))


class Residual(nn.Module):
    """A block of a residual network; its second norm has no weight."""

    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.norm2 = nn.BatchNorm2d(width, affine=False)
        self.act = nn.ReLU()


class Tied(nn.Module):
    """A language model whose head shares the embedding, under a third name in a module that is no layer."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(16, 4)
        self.head = nn.Linear(4, 16, bias=False)
        self.head.weight = self.embed.weight
        self.cache = nn.Module()
        self.cache.table = self.embed.weight


class TiedByMemory(nn.Module):
    """Two Parameter objects over one memory, as old code ties them."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(16, 4)
        self.head = nn.Linear(4, 16, bias=False)
        self.head.weight.data = self.embed.weight.data
        self.transposed = nn.Linear(16, 4, bias=False)
        self.transposed.weight = nn.Parameter(self.embed.weight.data.t())


class RawFirst(nn.Module):
    """The first key of the shared weight belongs to no layer: the layer's own key stands for it."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(16, 4))
        self.head = nn.Linear(4, 16, bias=False)
        self.head.weight = self.table


class SharedModule(nn.Module):
    """One block under two names; a layer under two names inside it."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        self.second = self.first
        self.last = self.first[0]


class Conv1D(nn.Module):
    """The linear layer of GPT-2: its weight is (in, out)."""

    def __init__(self, out_features, in_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features))


class Standardized(nn.Module):
    """Its weight is computed whenever it is read."""

    def __init__(self):
        super().__init__()
        self.raw = nn.Parameter(torch.zeros(3, 3))

    @property
    def weight(self):
        return self.raw - self.raw.mean()


class Adapter(nn.Module):
    """As adapters wrap a layer: `weight` hands on the wrapped layer's."""

    def __init__(self, base):
        super().__init__()
        self.base_layer = base
        self.lora_A = nn.ModuleDict({"default": nn.Linear(3, 1, bias=False)})

    @property
    def weight(self):
        return self.base_layer.weight


class Odd(nn.Module):
    """Weights that are no floating-point parameters."""

    def __init__(self):
        super().__init__()
        self.integer = nn.Module()
        self.integer.weight = nn.Parameter(torch.zeros(2, 2, dtype=torch.int8), requires_grad=False)
        self.buffered = nn.Module()
        self.buffered.register_buffer("weight", torch.ones(2))
        self.packed = nn.Module()
        self.packed.register_buffer("weight", torch.ones(2, dtype=torch.uint8))
        self.method = Method()
        self.constant = nn.Module()
        self.constant.weight = 0.5
        self.complex = nn.Module()
        self.complex.weight = nn.Parameter(torch.zeros(2, dtype=torch.complex64))


class Method(nn.Module):
    """As torch's own quantized layers: `weight` is a method."""

    def weight(self):
        return torch.zeros(2)


class Outer(nn.Linear):
    """A layer with a layer below it."""

    def __init__(self):
        super().__init__(2, 2)
        self.inner = nn.Linear(2, 2)


def residual_cnn():
    blocks = nn.Sequential(Residual(4), Residual(4))
    return nn.Sequential(nn.Conv2d(3, 4, 3), blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))


def reparametrized():
    pruned = nn.Linear(3, 3)
    prune.identity(pruned, "weight")
    biased = parametrizations.weight_norm(nn.Linear(3, 3), "bias")
    return nn.ModuleDict(
        {
            "weight_norm_old": nn.utils.weight_norm(nn.Linear(3, 3)),
            "weight_norm": parametrizations.weight_norm(nn.Linear(3, 3)),
            "spectral_norm_old": nn.utils.spectral_norm(nn.Linear(3, 3)),
            "spectral_norm": parametrizations.spectral_norm(nn.Linear(3, 3)),
            "pruned": pruned,
            "only_the_bias": biased,
            "property": Standardized(),
        }
    )


def lazy():
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.LazyLinear(2))


def recurrent():
    return nn.ModuleDict(
        {
            "lstm": nn.LSTM(4, 8, num_layers=2, bidirectional=True),
            "attention": nn.MultiheadAttention(8, 2, kdim=4),
            "norm": nn.LayerNorm(8, elementwise_affine=False),
            "prelu": nn.PReLU(),
            "out": nn.Linear(16, 4, dtype=torch.bfloat16),
        }
    )


def adapted():
    return nn.Sequential(Adapter(nn.Linear(3, 3)), nn.ReLU())


MODELS = {
    "residual_cnn": residual_cnn,
    "tied": Tied,
    "tied_by_memory": TiedByMemory,
    "raw_first": RawFirst,
    "shared_module": SharedModule,
    "gpt2_conv1d": lambda: nn.Sequential(Conv1D(12, 4), nn.GELU(), Conv1D(4, 12)),
    "reparametrized": reparametrized,
    "lazy": lazy,
    "recurrent": recurrent,
    "adapted": adapted,
    "odd": Odd,
    "outer": Outer,
    "data_parallel": lambda: nn.DataParallel(nn.Sequential(nn.Linear(2, 2))),
    "compiled": lambda: torch.compile(nn.Sequential(nn.Linear(2, 2))),
    "one_linear": lambda: nn.Linear(3, 2),
    "no_layers": lambda: nn.Sequential(nn.ReLU(), nn.Flatten()),
    "no_elements": lambda: nn.Sequential(nn.Linear(0, 3), nn.Linear(3, 0)),
}

pytestmark = pytest.mark.filterwarnings("ignore")


def trace(model, source="model.py"):
    """The module tree alone."""
    return module_graph(model, source)


def text(model):
    """The graph file, without the versions."""
    return graph_text(trace(model, source="model.py")._replace(versions={}))


@pytest.mark.parametrize("name", MODELS)
def test_graph(name, snapshot):
    assert text(MODELS[name]()) == snapshot


@pytest.mark.parametrize("name", MODELS)
def test_the_device_does_not_matter(name):
    with torch.device("meta"):
        without_values = text(MODELS[name]())
    assert without_values == text(MODELS[name]())


@pytest.mark.parametrize("name", MODELS)
def test_graph_follows_the_published_schema(name):
    SCHEMA.validate(json.loads(text(MODELS[name]())))


@pytest.mark.parametrize("name", MODELS)
def test_every_key_is_in_the_state_dict(name):
    model = MODELS[name]()
    graph, stored = trace(model), model.state_dict()
    assert {layer.parameter for layer in graph.layers} <= set(stored)
    for first, further in graph.shared.items():
        for key in further:
            assert torch.equal(stored[key], stored[first])


def test_the_source_is_the_class_where_none_is_named():
    assert trace_forward(nn.Linear(2, 2)).source == "Linear"


def test_what_is_no_module(snapshot):
    with pytest.raises(PruneconfError) as caught:
        trace_forward({"weight": torch.zeros(2)})
    assert str(caught.value) == snapshot


def test_a_module_that_contains_itself(snapshot):
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].parent = model
    with pytest.raises(PruneconfError) as caught:
        trace(model)
    assert str(caught.value) == snapshot


@st.composite
def trees(draw):
    """Nested modules in which modules and weights return under other names."""
    pool = [nn.ReLU(), nn.Linear(2, 3), nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3, affine=False)]
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["nest", "layer", "tie"]))
        if kind == "nest":
            pool.append(nn.Sequential(*draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4))))
        elif kind == "layer":
            pool.append(nn.Linear(2, 3))
        else:
            layer = nn.Linear(2, 3)
            layer.weight = draw(st.sampled_from([m for m in pool if isinstance(m, nn.Linear)])).weight
            pool.append(layer)
    return nn.Sequential(*draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4)))


@given(trees())
def test_layers_are_the_named_modules_that_own_a_weight(model):
    graph = trace(model)
    expected = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    assert [layer.name for layer in graph.layers] == expected
    everything = [name for name, _ in model.named_modules()]
    assert sorted(expected + [module.name for module in graph.modules]) == sorted(everything)


@given(trees())
def test_names_and_aliases_lead_to_the_same_module(model):
    graph = trace(model)
    for entry in (*graph.layers, *graph.modules):
        assert all(model.get_submodule(alias) is model.get_submodule(entry.name) for alias in entry.aliases)
    named = sum(1 + len(entry.aliases) for entry in (*graph.layers, *graph.modules))
    assert named == len(list(model.named_modules(remove_duplicate=False)))


@given(trees())
def test_keys_stand_for_one_weight_exactly_where_it_is_shared(model):
    graph = trace(model)
    stored = dict(model.named_parameters(remove_duplicate=False))
    for key in {layer.parameter for layer in graph.layers}:
        same = {other for other, parameter in stored.items() if parameter is stored[key]}
        assert {key, *graph.shared.get(key, ())} == same
    for layer in graph.layers:
        assert stored[layer.parameter] is model.get_submodule(layer.name).weight
    assert graph.parameters == sum(parameter.numel() for parameter in model.parameters())


@given(trees())
def test_children_are_the_layers_below(model):
    for module in trace(model).modules:
        below = model.get_submodule(module.name).modules()
        assert module.children == sum(isinstance(each, nn.Linear) for each in below)
