"""From MODEL on the command line to a graph: every form, every way to fail, nothing left behind."""

import json
import os
import re
import subprocess
import sys
from hashlib import sha256

import pytest
import torch

from pruneconf.errors import PruneconfError
from pruneconf.tracing import build, load_graph

NET = """\
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.fc = nn.Linear(2, width)

    def forward(self, x):
        return self.fc(x)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes files below an empty current directory."""
    monkeypatch.chdir(tmp_path)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/", 1) + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def digest(path):
    return sha256(path.read_bytes()).hexdigest()


def without_torch_text(message):
    """A message without the words that torch chose, which change from version to version."""
    return re.sub(r"(?<=Error: ).+?(?=; `--debug`|$)", "...", message)


def refusal(target, run=load_graph):
    with pytest.raises(PruneconfError) as caught:
        run(target)
    return str(caught.value)


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("model.py", "model.py"),
        ("model.py:Net", "model.py:Net"),
        ("model.py:Zoo.small", "model.py:Zoo.small"),
        ("./model.py:wide", "model.py:wide"),
        ("model:wide", "model:wide"),
        ("nets.wide:build_model", "nets.wide:build_model"),
    ],
)
def test_forms(project, target, source):
    more = "model = Net()\nclass Zoo:\n    small = Net\ndef wide(width=8):\n    return Net(width)\n"
    project(model=NET + more, nets__wide=NET + "build_model = Net\n")
    graph = load_graph(target).graph
    assert (graph.source, graph.type, [layer.name for layer in graph.layers]) == (source, "Net", ["fc"])


@pytest.mark.parametrize("name", ["build_model", "get_model", "create_model"])
def test_usual_functions(project, name):
    project(model=NET + f"def {name}():\n    return Net()\n")
    assert load_graph("model.py").graph.type == "Net"


def test_a_helper_of_another_library_is_not_taken_for_the_model(project):
    project(
        factory="def create_model(name):\n    ...\n", model=NET + "from factory import create_model\nget_model = Net\n"
    )
    assert load_graph("model.py").graph.type == "Net"


def test_sources_are_the_files_of_the_project(project):
    root = project(nets__model="from blocks import Net\nmodel = Net()\n", nets__blocks=NET, nets__unused="")
    expected = {name: digest(root / name) for name in ("nets/blocks.py", "nets/model.py")}
    graph = load_graph("nets/model.py").graph
    assert dict(graph.sources) == expected
    assert list(graph.sources) == sorted(graph.sources)


def test_sources_are_named_as_seen_from_the_graph_file(project):
    root = project(nets__model=NET + "model = Net()\n")
    graph = load_graph(str(root / "nets/model.py"), base=root / "graphs").graph
    assert (graph.source, list(graph.sources)) == ("../nets/model.py", ["../nets/model.py"])


def test_what_is_imported_late_is_a_source_too(project):
    project(model="def build_model():\n    from blocks import Net\n    return Net()\n", blocks=NET)
    assert list(load_graph("model.py").graph.sources) == ["blocks.py", "model.py"]


def test_a_module_of_the_project_is_a_source_with_its_package(project):
    project(nets____init__="", nets__model="from .blocks import Net\nmodel = Net()\n", nets__blocks=NET)
    graph = load_graph("nets.model:model").graph
    assert list(graph.sources) == ["nets/__init__.py", "nets/blocks.py", "nets/model.py"]


def test_two_models_with_packages_of_the_same_name(project):
    for name, width in (("a", 3), ("b", 5)):
        project(**{f"{name}__model": "from nets.blocks import Net\nmodel = Net()\n"})
        (project() / name / "nets").mkdir()
        (project() / name / "nets" / "blocks.py").write_text(NET.replace("4", str(width)), encoding="utf-8")
    shapes = [load_graph(f"{name}/model.py").graph.layers[0].shape for name in ("a", "b")]
    assert shapes == [(3, 2), (5, 2)]


def test_two_models_with_modules_of_the_same_name(project):
    for name, width in (("a", 3), ("b", 5)):
        project(
            **{
                f"{name}__model": "from blocks import Net\nmodel = Net()\n",
                f"{name}__blocks": NET.replace("4", str(width)),
            }
        )
    shapes = [load_graph(f"{name}/model.py").graph.layers[0].shape for name in ("a", "b")]
    assert shapes == [(3, 2), (5, 2)]


def test_an_edited_model_is_read_anew(project):
    project(model=NET + "model = Net(3)\n")
    assert load_graph("model.py").graph.layers[0].shape == (3, 2)
    project(model=NET + "model = Net(5)\n")
    assert load_graph("model.py").graph.layers[0].shape == (5, 2)


def test_nothing_is_left_behind(project, capsys):
    root = project(
        model="import sys, torch, helper\n" + NET + "print('noise', sys.argv, sys.path[0])\n"
        "torch.set_default_device('cpu')\ntorch.set_default_dtype(torch.float64)\nmodel = Net()\n",
        helper="",
    )
    path, argv, modules = sys.path[:], sys.argv[:], set(sys.modules)
    assert load_graph("model.py").graph.layers[0].dtype == "float64"
    assert (sys.path, sys.argv) == (path, argv)
    assert not {"model", "helper"} & (set(sys.modules) - modules)
    assert (torch.get_default_dtype(), torch.empty(1).device.type) == (torch.float32, "cpu")
    assert {path.name for path in root.iterdir()} == {"helper.py", "model.py"}
    assert "HF_HUB_OFFLINE" not in os.environ
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"noise ['model.py'] {root}\n"


def test_a_failure_leaves_nothing_behind_either(project):
    project(
        model="import sys, torch, helper\nsys.path.append('x')\ntorch.set_default_device('meta')\n1 / 0\n", helper=""
    )
    path = sys.path[:]
    refusal("model.py")
    assert sys.path == path
    assert not {"model", "helper"} & set(sys.modules)
    assert torch.empty(1).device.type == "cpu"


def test_a_file_may_have_the_name_of_an_imported_module(project):
    project(json=NET + "model = Net()\n")
    assert load_graph("json.py").graph.type == "Net"
    assert sys.modules["json"] is json


def test_no_memory_is_spent_on_weights(project):
    project(model="from torch import nn\nmodel = nn.Linear(1_000_000, 1_000_000)\n")
    traced = load_graph("model.py")
    assert (traced.graph.parameters, traced.notes) == (1_000_001_000_000, ())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("width = int(torch.ones(3).sum().item())", id="item"),
        pytest.param("width = len(torch.arange(3).tolist())", id="tolist"),
        pytest.param("width = 3 if torch.ones(1) > 0 else 4", id="truth"),
        pytest.param("width = len(torch.ones(3).nonzero())", id="nonzero"),
        pytest.param("width = len(torch.ones(3) + torch.ones(3, device='cpu'))", id="devices"),
        pytest.param("width = int(torch.linspace(0, 3, 7)[-1])", id="last"),
        pytest.param("width = sum(torch.tensor([1, 2]).expand(1, 2).tolist()[0])", id="literal"),
    ],
)
def test_values_that_follow_from_constants_are_known(project, body):
    project(
        model=f"import torch\nfrom torch import nn\n\ndef build_model():\n    {body}\n    return nn.Linear(2, width)\n"
    )
    traced = load_graph("model.py")
    assert traced.graph.layers[0].shape == (3, 2)
    assert traced.notes == ()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("width = 2 + int(nn.Linear(2, 2).weight.abs().max().item() >= 0)", id="item"),
        pytest.param("width = len(nn.Linear(2, 3).weight.tolist())", id="tolist"),
        pytest.param("width = len(torch.ones(3).numpy())", id="numpy"),
        pytest.param("width = 3 if torch.rand(1) >= 0 else 4", id="truth"),
        pytest.param("width = len(torch.rand(3).add(1).nonzero())", id="nonzero"),
        pytest.param("width = 3; nn.Linear(2, 2).to('cpu')", id="to"),
        pytest.param(
            "try:\n        torch.rand(1).item()\n    except RuntimeError as error:\n        raise ValueError('no') from error\n    width = 3",
            id="cause",
        ),
    ],
)
def test_code_that_needs_values_is_built_on_the_cpu(project, snapshot, body):
    project(
        model=f"import torch\nfrom torch import nn\n\ndef build_model():\n    {body}\n    return nn.Linear(2, width)\n"
    )
    traced = load_graph("model.py")
    assert traced.graph.layers[0].shape == (3, 2)
    assert [without_torch_text(note) for note in traced.notes] == snapshot


def test_a_plain_mistake_is_not_tried_again(project, capsys):
    project(model="import sys\nprint('run', file=sys.stderr)\nraise KeyError('meta')\n")
    refusal("model.py")
    assert capsys.readouterr().err == "run\n"


def test_build_gives_the_weights_of_the_code(project):
    project(model=NET + "model = Net()\nnn.init.constant_(model.fc.weight, 0.5)\n")
    weight = build("model.py").fc.weight
    assert (weight.device.type, weight.dtype) == ("cpu", torch.float32)
    assert torch.equal(weight, torch.full((4, 2), 0.5))


def test_build_loads_a_checkpoint(project):
    root = project(model=NET + "import torch\nmodel = Net()\nmodel.load_state_dict(torch.load('weights.pt'))\n")
    state = {"fc.weight": torch.randn(4, 2), "fc.bias": torch.randn(4)}
    torch.save(state, root / "weights.pt")
    assert torch.equal(build("model.py").fc.weight, state["fc.weight"])
    assert load_graph("model.py").notes == ()


def test_build_on_meta_does_not_fall_back(project, snapshot):
    project(model="import torch\nmodel = torch.nn.Linear(2, 1 + int(torch.rand(1).item()))\n")
    assert build("model.py").weight.shape == (1, 2)
    assert without_torch_text(refusal("model.py", lambda target: build(target, "meta"))) == snapshot


FAILING = {
    "syntax error": "import torch\n\ndef build_model(:\n",
    "indentation": "import torch\n  import sys\n",
    "missing import": "import torch\nimport no_such_package.nets\n",
    "name error": "import torch\n\nmodel = Net()\n",
    "no message": "assert False\n",
    "long message": "raise ValueError('many\\n  words ' * 99)\n",
    "exits": "import sys\nsys.exit(3)\n",
    "reads arguments": "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--lr', required=True)\nparser.parse_args()\n",
    "missing file": "import torch\nmodel = torch.load('weights.pt')\n",
    "fails in a helper": "import nets.helper\n",
    "nothing usual": NET,
    "nothing at all": "x = 1\n",
    "function fails": "def build_model():\n    return helper()\n\ndef helper():\n    raise ValueError('width must be even')\n",
    "constructor fails": NET + "\nbuild_model = lambda: Net(**{'depth': 3})\n",
    "returns a tuple": NET + "\ndef build_model():\n    return Net(), None\n",
    "needs arguments": NET + "\ndef build_model(width, *, depth, bias=True):\n    ...\n",
    "no module": "model = {'conv1': 1}\n",
    "forgotten": NET + "model = None\n",
}


@pytest.mark.parametrize("case", FAILING)
def test_failures(project, snapshot, case):
    project(model=FAILING[case], nets__helper="import os\nprint(undefined)\n")
    assert refusal("model.py") == snapshot


@pytest.mark.parametrize(
    "target",
    [
        "model.py:Nett",
        "model.py:something_else",
        "model.py:Net.small",
        "model.py:Wide",
        "modle.py",
        "nets/model.py",
        "nowhere/model.py",
        "model",
        "no.such.package:model",
        "nets.helper:model",
        "nets",
        "weights.pt",
        "wieghts.pt",
        "x.onnx",
    ],
)
def test_targets_that_do_not_exist(project, snapshot, target):
    wide = "\nclass Wide(Net):\n    def __init__(self, width, /):\n        super().__init__(width)\n"
    root = project(model=NET + wide, nets__helper="import os\nprint(undefined)\n")
    (root / "weights.pt").touch()
    assert refusal(target) == snapshot


@pytest.mark.parametrize("line", ["from .blocks import Net", "from nets.blocks import Net"])
def test_a_file_of_a_package_is_better_named_as_a_module(project, snapshot, line):
    project(nets__model=line + "\nmodel = Net()\n", nets__blocks=NET)
    assert refusal("nets/model.py") == snapshot
    assert load_graph("nets.model:model").graph.type == "Net"


def llama(directory):
    transformers = pytest.importorskip("transformers")
    sizes = {
        "vocab_size": 8,
        "hidden_size": 4,
        "intermediate_size": 6,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
    }
    config = transformers.LlamaConfig(**sizes, bos_token_id=1, eos_token_id=2, tie_word_embeddings=True)
    model = transformers.LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(directory)
    return model


@pytest.mark.parametrize("target", ["llama", "llama/model.safetensors"])
def test_a_transformers_directory(project, target):
    root = project()
    model = llama(root / "llama")
    traced = load_graph(target)
    assert (traced.graph.type, traced.notes) == ("LlamaForCausalLM", ())
    assert (traced.graph.source, list(traced.graph.sources)) == ("llama", ["llama/config.json"])
    assert {layer.dtype for layer in traced.graph.layers} == {"bfloat16"}
    assert traced.graph.shared == {"model.embed_tokens.weight": ("lm_head.weight",)}
    built = build(target).state_dict()
    assert all(torch.equal(value, built[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    "config", ["{}", "not JSON", '{"model_type": "own", "auto_map": {"AutoConfig": "code.Config"}}']
)
def test_a_directory_that_transformers_refuses(project, config):
    pytest.importorskip("transformers")
    root = project()
    (root / "config.json").write_text(config, encoding="utf-8")
    message = refusal(".")
    assert message.startswith("transformers cannot load `.`: ")
    assert message.endswith("; write a `model.py` that builds it")


def test_the_cause_is_kept(project):
    project(model="1 / 0\n")
    with pytest.raises(PruneconfError) as caught:
        load_graph("model.py")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_interrupt_is_no_failure(project):
    project(model="raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_graph("model.py")


TRACE = "import sys; from pruneconf.graph import graph_text; from pruneconf.tracing import load_graph; sys.stdout.write(graph_text(load_graph('model.py').graph))"


def test_every_process_writes_the_same_bytes(project):
    project(
        model="from blocks import Net\n"
        + NET.replace("Net", "Own")
        + "model = nn.ModuleDict({'a': Net(), 'b': Own()})\n",
        blocks=NET,
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", TRACE], env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE
        )
        for seed in ("1", "2")
    ]
    first, second = (run.communicate()[0] for run in runs)
    assert first == second
    assert [layer["name"] for layer in json.loads(first)["layers"]] == ["a.fc", "b.fc"]
