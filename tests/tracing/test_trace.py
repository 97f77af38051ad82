"""What a forward pass adds to the graph, where it falls back, and that the model stays as it was."""

import random

import pytest
import torch
from torch import nn

from pruneconf.errors import PruneconfError
from pruneconf.graph import Origin, graph_text
from pruneconf.tracing import load_graph, parse_input, trace

pytestmark = pytest.mark.filterwarnings("ignore")


class Net(nn.Module):
    """Some layers run, some run twice, some not at all; one weight is read without its layer."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.twice = nn.Linear(6, 6)
        self.unused = nn.Linear(6, 6)
        self.read = nn.Linear(6, 6)
        self.norm = nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.twice(torch.relu(self.twice(self.first(x))))
        return self.head(self.norm(nn.functional.linear(x, self.read.weight)))


class Chooses(nn.Module):
    """Which layer runs depends on the weights."""

    def __init__(self):
        super().__init__()
        self.first, self.rare, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = self.first(x)
        if x.sum() > 0:
            x = self.rare(x)
        return self.last(x)


class Breaks(nn.Module):
    """Works up to its middle."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 5), nn.Linear(4, 5)

    def forward(self, x):
        return self.second(self.first(x))


class Numpy(nn.Module):
    """Leaves torch in the middle of its forward pass."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(torch.from_numpy(self.first(x).numpy() * 2))


class Restless(nn.Module):
    """Changes itself whenever it runs."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.register_buffer("steps", torch.zeros(1))
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        self.steps += 1
        self.cache = self.fc(x)
        self.fc.seen = True
        self.fc.bias = None
        self.fc.register_forward_hook(lambda *_: None)
        return self.drop(self.cache) + random.random() + torch.rand(1)


def layers(graph):
    return {layer.name: (layer.calls, layer.output) for layer in graph.layers}


def test_how_often_layers_run_and_which_make_the_output():
    graph = trace(Net(), torch.zeros(2, 4))
    assert graph.origin == Origin.OPERATORS
    assert layers(graph) == {
        "first": (1, False),
        "twice": (2, False),
        "unused": (0, False),
        "read": (1, False),
        "norm": (1, False),
        "head": (1, True),
    }


def test_behind_a_norm_the_layer_before_it_makes_the_output():
    graph = trace(nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 3), nn.BatchNorm1d(3)), torch.zeros(2, 4))
    assert [layer.name for layer in graph.layers if layer.output] == ["1", "2"]


def test_what_a_guess_leaves_open(snapshot):
    graph = trace(Chooses(), torch.zeros(1, 4))
    assert (graph.origin, graph.missing) == (Origin.OPERATORS, snapshot)
    assert layers(graph) == {"first": (1, False), "rare": (None, False), "last": (1, True)}


def test_a_forward_pass_that_breaks_off_tells_what_it_called():
    graph = trace(Breaks(), torch.zeros(1, 4))
    assert graph.origin == Origin.PARTIAL
    assert graph.couplings == ()
    assert layers(graph) == {"first": (1, False), "second": (1, False)}
    assert len(graph.missing) == 1
    assert graph.missing[0].startswith("the forward pass with `1x4` as given broke off: ")


def test_values_are_taken_from_the_cpu_where_nothing_else_helps():
    graph = trace(Numpy(), torch.zeros(1, 4))
    assert graph.origin == Origin.OPERATORS
    assert layers(graph) == {"first": (1, False), "last": (1, True)}


def test_without_values_such_a_forward_pass_breaks_off():
    with torch.device("meta"):
        model = Numpy()
    assert trace(model, torch.zeros(1, 4)).origin == Origin.PARTIAL


@pytest.mark.parametrize(
    "model", [nn.ModuleList([nn.Linear(2, 2)]), nn.Sequential(nn.LazyLinear(3))], ids=["list", "lazy"]
)
def test_what_cannot_run_is_listed(model, snapshot):
    graph = trace(model)
    assert (graph.origin, graph.missing) == (Origin.MODULES, snapshot)
    assert {layer.calls for layer in graph.layers} <= {None}


@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_as_it_was(training):
    model = Restless().train(training)
    hook = model.fc.register_forward_hook(lambda *_: None)
    before = {name: dict(vars(module)) for name, module in model.named_modules()}
    tensors = {key: (value, value.clone()) for key, value in model.state_dict(keep_vars=True).items()}
    states = random.getstate(), torch.get_rng_state()
    trace(model, torch.zeros(1, 4))
    assert {name: dict(vars(module)) for name, module in model.named_modules()} == before
    for key, value in model.state_dict(keep_vars=True).items():
        assert value is tensors[key][0]
        assert torch.equal(value, tensors[key][1])
    assert list(model.fc._forward_hooks) == [hook.id]
    assert random.getstate() == states[0]
    assert torch.equal(torch.get_rng_state(), states[1])
    hook.remove()
    assert model.training == model.fc.training == training


@pytest.mark.parametrize("build", [Net, Chooses, Restless])
def test_the_device_does_not_matter(build):
    with torch.device("meta"):
        without_values = build()
    assert graph_text(trace(without_values)) == graph_text(trace(build()))


@pytest.mark.parametrize(
    "inputs",
    [
        torch.zeros(2, 4),
        (torch.zeros(2, 4),),
        [torch.zeros(2, 4)],
        {"x": torch.zeros(2, 4)},
        ((torch.zeros(2, 4),), {}),
        ((), {"x": torch.zeros(2, 4)}),
        lambda: torch.zeros(2, 4),
    ],
    ids=["tensor", "tuple", "list", "dict", "args and kwargs", "kwargs", "function"],
)
def test_forms_of_example_inputs(inputs):
    graph = trace(Net(), inputs)
    assert (graph.origin, graph.missing) == (Origin.OPERATORS, ())
    assert "2x4" in graph.inputs


def test_what_are_no_example_inputs(snapshot):
    with pytest.raises(PruneconfError) as caught:
        trace(Net(), 4)
    assert str(caught.value) == snapshot


@pytest.mark.parametrize("text", ["1,3,224,224", "1x3x8x8", "ids:1x16:int64", "1x16:int64", "mask:1,16", "t:():int64"])
def test_inputs_as_text(text, snapshot):
    spec = parse_input(text)
    assert (*spec, tuple(spec.tensor().shape), str(spec.tensor().dtype)) == snapshot


@pytest.mark.parametrize("text", ["", "ids", "1x-3", "1x16:int", "a:b:c", "1 x 3:float32", "1x2:int64:3", "2nd:1x2"])
def test_what_is_no_input(text, snapshot):
    with pytest.raises(PruneconfError) as caught:
        parse_input(text)
    assert str(caught.value) == snapshot


SOURCE = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 6), nn.Linear(4, 6)
        self.register_buffer("table", torch.arange(8) // 2)

    def forward(self, ids):
        x = nn.functional.one_hot(ids, 4).float()
        if self.table.max().item() > 5:
            raise ValueError("never")
        return self.a(x) + self.b(x)

model = Net()
"""


@pytest.fixture
def model_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "model.py").write_text(SOURCE + text, encoding="utf-8")

    return write


@pytest.mark.parametrize(
    "text",
    [
        "example_inputs = torch.ones(1, 5, dtype=torch.long)",
        "example_inputs = {'ids': torch.ones(1, 5, dtype=torch.long)}",
        "def example_inputs():\n    return (torch.ones(1, 5, dtype=torch.long),)",
    ],
    ids=["value", "dict", "function"],
)
def test_example_inputs_in_the_file(model_file, text):
    model_file(text)
    traced = load_graph("model.py")
    assert (traced.graph.origin, traced.notes) == (Origin.OPERATORS, ())
    assert traced.graph.inputs.endswith("from `example_inputs`")


def test_joins_name_the_line_of_the_source(model_file):
    model_file("example_inputs = torch.ones(1, 5, dtype=torch.long)")
    (coupling,) = load_graph("model.py").graph.couplings
    assert [tuple(join) for join in coupling.joins] == [("add", "model.py:14")]


def test_inputs_from_the_command_line_come_first(model_file):
    model_file("example_inputs = 3")
    traced = load_graph("model.py", inputs=[parse_input("ids:1x7:int64")])
    assert (traced.graph.origin, traced.graph.inputs) == (Origin.OPERATORS, "`ids:1x7:int64` from `--input`")


@pytest.mark.parametrize(
    "text", ["example_inputs = 3", "def example_inputs():\n    return 1 / 0"], ids=["number", "fails"]
)
def test_unusable_example_inputs(model_file, text, snapshot):
    model_file(text)
    with pytest.raises(PruneconfError) as caught:
        load_graph("model.py")
    assert str(caught.value) == snapshot


def test_wrong_inputs_are_said_with_their_line(model_file):
    model_file("example_inputs = torch.ones(1, 5)")
    traced = load_graph("model.py")
    assert traced.graph.origin == Origin.MODULES
    assert len(traced.notes) == 1
    assert traced.notes[0].startswith("the forward pass with `1x5` from `example_inputs` broke off: line 11: ")
