"""Selectors that do not select what they say: the hard cases of each rule, and what must stay silent."""

import pytest

from pruneconf.config import load
from pruneconf.findings import Severity
from pruneconf.graph import Layer, ModelGraph
from pruneconf.rules import lint

RESNET = """
conv1 Conv2d 64x3x7x7
bn1 BatchNorm2d 64
relu ReLU -
layer1 Sequential -
layer1.0 BasicBlock -
layer1.0.conv1 Conv2d 64x64x3x3
layer1.0.bn1 BatchNorm2d 64
layer1.0.conv2 Conv2d 64x64x3x3
layer1.1 BasicBlock -
layer1.1.conv1 Conv2d 64x64x3x3 aka stem
layer10 Sequential -
layer10.0.conv1 Conv2d 64x64x3x3
fc Linear 1000x512
"""
ODD = """
net GraphModule -
net.rnn LSTM -
net.quant Linear - not-float
net.lazy LazyLinear - lazy
net.free BatchNorm2d -
net.normed Conv2d - computed
net.param ParametrizedLinear - computed
net.conv Conv1d 8x8x3
net.head Linear 8x8
"""
NAMES = {
    "a wrapper's prefix": "module.conv1",
    "a prefix in the middle": "layer1._orig_mod.0.conv1",
    "two prefixes": "_orig_mod.module.layer1.0.conv2",
    "an attribute of the script": "self.fc",
    "a parameter": "fc.weight",
    "a bias": "layer1.0.conv1.bias",
    "an alias": "stem",
    "brackets": "layer1[0].conv1",
    "capitals": "Layer1.0.Conv1",
    "an index that is not there": "layer1.7.conv1",
    "a segment left out": "layer1.conv2",
    "a type": "Conv2d",
    "a glob": "layer1.*",
    "a part of names": "layer1.0.",
    "nothing like it": "transformer.h.0.attn",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_unknown_name(name, shown, snapshot):
    assert shown(f"- op_names: ['{name}']\n  sparsity_per_layer: 0.5\n", RESNET) == snapshot


def test_prefix_that_is_missing(shown, snapshot):
    layers = "model.layers.0.fc Linear 8x8\nmodel.layers.1.fc Linear 8x8\nmodel.head Linear 8x8\n"
    assert shown("- op_names: [layers.0.fc, head]\n  sparsity_per_layer: 0.5\n", layers) == snapshot


def test_names_that_are_no_layers(shown, snapshot):
    text = "- op_names: [net, net.rnn, net.quant, net.lazy, net.free, net.normed, net.param]\n  exclude: true\n"
    assert shown(text, ODD) == snapshot


@pytest.mark.parametrize(
    "name", ["conv2d", "torch.nn.Conv2d", "Conv2D", "batch_norm2d", "Conv3d", "Liner", "fc", "Foo"]
)
def test_unknown_type(name, shown, snapshot):
    assert shown(f"- op_types: [{name}, Conv2d]\n  sparsity_per_layer: 0.5\n", RESNET) == snapshot


def test_types_that_no_layer_has(shown, snapshot):
    types = "LSTM, LazyLinear, GraphModule, ParametrizedLinear, BatchNorm2d"
    assert shown(f"- op_types: [{types}]\n  sparsity_per_layer: 0.5\n", ODD) == snapshot


def test_default_without_its_types(shown, snapshot):
    assert shown("- op_types: [default]\n  sparsity_per_layer: 0.5\n", "norm LayerNorm 8\n") == snapshot


def test_a_type_of_which_some_weights_are_computed_is_silent(shown):
    layers = "a Conv2d 8x8x3x3\nb Conv2d - computed\n"
    assert shown("- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n", layers) == ""


@pytest.mark.parametrize("part", ["layer1.*", "^layer1\\.", "layr1.0", "module.layer1.", "rel", "ste", "LAYER1", "zzz"])
def test_unmatched_partial_name(part, shown, snapshot):
    assert shown(f"- op_partial_names: ['{part}']\n  sparsity_per_layer: 0.5\n", RESNET) == snapshot


def test_partial_name_of_computed_weights(shown, snapshot):
    assert shown("- op_partial_names: [normed]\n  sparsity_per_layer: 0.5\n", ODD) == snapshot


def test_an_unknown_name_is_not_an_empty_selection_too(findings):
    text = "- op_names: [conv9]\n  op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n"
    assert [finding.rule.code for finding in findings(text, RESNET)] == ["PC201"]


def test_empty_selection_by_part_and_type(shown, snapshot):
    text = "- op_partial_names: [layer1.]\n  op_types:\n    - Linear\n  op_names: [conv1]\n  sparsity_per_layer: 0.5\n"
    assert shown(text, RESNET) == snapshot


def test_several_names_filtered_by_type(shown, snapshot):
    text = "- op_names: [conv1, bn1, layer1.0.bn1, fc]\n  op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n"
    assert shown(text, RESNET) == snapshot


def test_a_misspelt_type_explains_what_it_filters_out(findings):
    text = "- op_names: [conv1, fc]\n  op_types: [Conv2d, Liner]\n  sparsity_per_layer: 0.5\n"
    assert [finding.rule.code for finding in findings(text, RESNET)] == ["PC202"]


def test_container_whose_part_of_name_matches_others(shown, snapshot):
    layers = "block Sequential -\nblock.fc Linear 8x8\nsubblock.fc Linear 8x8\n"
    assert shown("- op_names: [block, subblock.fc]\n  sparsity_per_layer: 0.5\n", layers) == snapshot


@pytest.mark.parametrize(
    ("part", "layers"),
    [
        ("layer1", RESNET),
        ("layer1", "layer1.0.conv Conv2d 8x8x3x3\nlayer10.0.conv Conv2d 8x8x3x3\nlayer12.0.conv Conv2d 8x8x3x3\n"),
        ("conv1", "conv1 Conv2d 8x8x3x3\nconv10 Conv2d 8x8x3x3\nconv11 Conv2d 8x8x3x3\n"),
        ("attn.q", "0.attn.q Linear 8x8\n0.attn.q_norm Linear 8x8\n"),
    ],
    ids=["beside norms", "no norms", "at the end", "no number"],
)
def test_overmatch(part, layers, shown, snapshot):
    types = "Conv2d" if "Conv2d" in layers else "Linear"
    assert (
        shown(f"- op_partial_names: [{part}]\n  op_types: [{types}]\n  sparsity_per_layer: 0.5\n", layers) == snapshot
    )


@pytest.mark.parametrize(
    ("entries", "layers"),
    [
        ("[conv]", "conv1 Conv2d 8x8x3x3\nconv10 Conv2d 8x8x3x3\n"),
        ("[conv]", "stem.conv Conv2d 8x8x3x3\nconv1 Conv2d 8x8x3x3\n"),
        ("[fc]", "fc Linear 8x8\nmlp.fc1 Linear 8x8\n"),
        ("[layer1]", "layer1.a Linear 8x8\nlayer2.a Linear 8x8\n"),
        ("[layer.1.]", "layer.1.a Linear 8x8\nlayer.10.a Linear 8x8\n"),
        ("[layer.1, layer.10, layer.11]", "layer.1.a Linear 8x8\nlayer.10.a Linear 8x8\nlayer.11.a Linear 8x8\n"),
        ("[layer.1]", "layer.1.a Linear 8x8\nlayer.10.a LayerNorm 8\n"),
        ("[layer.1]", "layer.10.a Linear 8x8\nlayer.11.a Linear 8x8\n"),
    ],
)
def test_a_partial_name_that_is_meant(entries, layers, shown):
    types = (
        "[Linear, Conv2d]"
        if "Conv2d" in layers and "Linear" in layers
        else "[Conv2d]"
        if "Conv2d" in layers
        else "[Linear]"
    )
    assert shown(f"- op_partial_names: {entries}\n  op_types: {types}\n  sparsity_per_layer: 0.5\n", layers) == ""


def test_redundant_entries(shown, snapshot):
    text = "- op_partial_names: [layer1.0., layer1., conv1, .conv1]\n  op_names: [conv1, fc]\n  op_types: [Conv2d, Linear]\n  sparsity_per_layer: 0.5\n"
    assert shown(text, RESNET) == snapshot


def test_ten_thousand_unknown_names_are_ten_thousand_findings():
    names = [f"model.layers.{i // 7}.mlp.proj{i % 7}" for i in range(10_000)]
    graph = ModelGraph(
        "m.py", "Net", tuple(Layer(name, "Linear", (4, 4), "float32", f"{name}.weight") for name in names)
    )
    found = lint(load([{"op_names": [f"{name}x.y" for name in names], "sparsity_per_layer": 0.5}]), graph)
    assert [finding.severity for finding in found] == [Severity.ERROR] * 10_000
