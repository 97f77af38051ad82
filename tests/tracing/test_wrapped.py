"""Models inside DataParallel, DistributedDataParallel, torch.compile and PEFT: traced as what they hold."""

import pytest
import torch
from torch import nn

import pruneconf
from pruneconf.graph import Origin
from pruneconf.tracing import trace
from pruneconf.wrappers import StoredNames, unwrapped

pytestmark = pytest.mark.filterwarnings("ignore")


class Net(nn.Module):
    def __init__(self, wrap=lambda part: part):
        super().__init__()
        self.features = wrap(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()))
        self.fc = nn.Linear(8, 2)

    def forward(self, images):
        return self.fc(self.features(images).mean((2, 3)))


class Peft(nn.Module):
    """As PEFT wraps a model: forwards that take anything, and layers with an adapter beside them."""

    def __init__(self, model):
        super().__init__()
        self.base_model = Peft.Tuner(model)
        model.fc = Peft.Adapted(model.fc)

    def forward(self, *args, **kwargs):
        return self.base_model(*args, **kwargs)

    class Tuner(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, *args, **kwargs):
            return self.model.forward(*args, **kwargs)

    class Adapted(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.base_layer = layer
            self.lora_A, self.lora_B = nn.Linear(8, 1, bias=False), nn.Linear(1, 2, bias=False)

        def forward(self, x):
            return self.base_layer(x) + self.lora_B(self.lora_A(x))


def compiled(model):
    return torch.compile(model, backend="eager")


def on_a_gpu(model):
    wrapped = nn.DataParallel(model)
    wrapped.device_ids, wrapped.src_device_obj, wrapped.output_device = [0, 1], torch.device("cuda:0"), 0
    return wrapped


@pytest.fixture
def one_process():
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


WRAPPED = {
    "DataParallel": (nn.DataParallel, "module."),
    "DataParallel on two GPUs": (on_a_gpu, "module."),
    "DistributedDataParallel": (nn.parallel.DistributedDataParallel, "module."),
    "torch.compile": (compiled, "_orig_mod."),
    "torch.compile of DataParallel": (lambda model: compiled(nn.DataParallel(model)), "_orig_mod.module."),
    "PEFT": (Peft, "base_model.model."),
}


@pytest.mark.parametrize("how", WRAPPED)
@pytest.mark.usefixtures("one_process")
def test_the_model_is_traced(how):
    wrap, prefix = WRAPPED[how]
    model = wrap(Net())
    attributes = dict(vars(model))
    graph = trace(model)
    assert (graph.origin, graph.missing) == (Origin.OPERATORS, ())
    conv, *others = graph.layers
    assert conv.name == f"{prefix}features.0"
    assert [layer.calls for layer in graph.layers] == [1] * len(graph.layers)
    assert graph.couplings[0].units == 8
    assert {unwrapped(layer.name).split(".lora")[0] for layer in others} == {"fc"}
    assert vars(model) == attributes


@pytest.mark.parametrize("wrap", [compiled, nn.DataParallel, on_a_gpu])
def test_a_part_of_the_model_is_wrapped(wrap):
    graph = trace(Net(wrap))
    assert (graph.origin, [layer.calls for layer in graph.layers]) == (Origin.OPERATORS, [1, 1])


@pytest.mark.parametrize("wrap", [nn.DataParallel, compiled, Peft])
@pytest.mark.parametrize("selector", ["op_names", "op_partial_names"])
@pytest.mark.parametrize("written", ["inside", "wrapped"])
def test_a_config_with_the_names_of_the_other_is_mended(wrap, selector, written):
    """Names of the model inside, for the wrapped one, and the other way round."""
    graphs = [trace(Net()), trace(wrap(Net()))]
    given, graph = graphs if written == "inside" else graphs[::-1]
    name = given.layers[-1 if wrap is not Peft else 1].name
    if selector == "op_partial_names" and written == "inside":
        pytest.skip("part of the wrapped name too")
    [found] = pruneconf.lint(pruneconf.load([{selector: [name], "sparsity_per_layer": 0.5}]), graph)
    [edit] = found.fix.edits
    assert unwrapped(edit.text.strip('"')) == unwrapped(name)
    assert any(edit.text.strip('"') == layer.name for layer in graph.layers)


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("fc.weight", "fc.weight"),
        ("module.fc.weight", "fc.weight"),
        ("module.layer1._orig_mod.0.weight", "layer1.0.weight"),
        ("base_model.model.model.layers.0.q_proj.base_layer.weight", "model.layers.0.q_proj.weight"),
        ("module.base_model.model.fc.weight", "fc.weight"),
        ("model.fc.weight", "model.fc.weight"),
        ("base_model.fc.weight", "base_model.fc.weight"),
    ],
)
def test_names_without_wrappers(name, inner):
    assert unwrapped(name) == inner


def test_a_name_is_found_only_where_it_is_the_only_one():
    names = StoredNames(["module.a", "a", "module.b", "_orig_mod.b", "base_model.model.c"])
    assert [names.of(name) for name in ("a", "b", "c", "module.b", "_orig_mod.a")] == [
        *("a", None, "base_model.model.c", "module.b", None)
    ]
