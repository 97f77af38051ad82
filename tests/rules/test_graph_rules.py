"""What only a traced forward pass tells: the hard cases, and what must stay silent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layers import graph_of

from pruneconf.config import load
from pruneconf.errors import PruneconfError
from pruneconf.graph import Coupling, Join, Limit, Member, Origin, Pin, Side
from pruneconf.output.groups import groups_text
from pruneconf.output.text import render
from pruneconf.plan import Pruner, resolve
from pruneconf.rules import lint
from tests.plan.strategies import cases

RESIDUAL = """
stem Conv2d 16x3x3x3
a.conv1 Conv2d 32x16x3x3
a.conv2 Conv2d 16x32x3x3
b.conv1 Conv2d 32x16x3x3
b.conv2 Conv2d 16x32x3x3
up ConvTranspose2d 16x8x2x2
fc Linear 10x8 output
coupled stem, a.conv2, b.conv2 by add at model.py:31
coupled a.conv1
coupled b.conv1
coupled up; pinned by input
coupled fc; pinned by output logits
"""
GROUPED = """
conv Conv2d 176x3x1x1
dw Conv2d 176x1x3x3
proj Conv2d 176x176x1x1
wide Conv2d 64x176x1x1
head Linear 10x64
coupled conv, dw by depthwise convolution at model.py:12
coupled proj; group-norm in 8 groups of norm
coupled wide by grouped convolution at model.py:20; 4 a unit
"""
ATTENTION = """
embed Embedding 100x64
attn MultiheadAttention -
attn.in_proj_weight MultiheadAttention 192x64 unreachable
attn.out_proj NonDynamicallyQuantizableLinear(Linear) 64x64
q Linear 64x64
k Linear 16x64
fc1 Linear 4096x64
fc2 Linear 64x4096
head Linear 100x64 output = embed.weight
pool Linear 64x64 output
coupled attn.in_proj_weight; attention-heads in 4 groups of attn
coupled embed, attn.out_proj, fc2 by add at model.py:9; pinned by output hidden
coupled q, k; attention-heads in 8 groups of attn2; 32 a unit
coupled fc1
coupled head; pinned by output logits
coupled pool; pinned by output pooled
"""
CASES = {
    "three ratios in one set": (
        "l1",
        RESIDUAL,
        """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [stem]
  sparsity_per_layer: 0.25
- op_names: [b.conv2]
  sparsity_per_layer: 0.75
""",
    ),
    "a group and a ratio": (
        "fpgm",
        RESIDUAL,
        """
- op_partial_names: [conv]
  total_sparsity: 0.5
  max_sparsity_per_layer: 0.8
- op_names: [stem]
  sparsity_per_layer: 0.5
""",
    ),
    "a member that nothing selects": ("l2", RESIDUAL, "- op_partial_names: [conv]\n  sparsity_per_layer: 0.5\n"),
    "channels of the input": ("random", RESIDUAL, "- op_names: [up]\n  sparsity_per_layer: 0.5\n"),
    "the output, structured": ("l1", RESIDUAL, "- op_types: [Linear]\n  sparsity_per_layer: 0.25\n"),
    "the output, by a total": ("l1", RESIDUAL, "- op_types: [Linear]\n  total_sparsity: 0.25\n"),
    "the output, by elements": ("level", RESIDUAL, "- op_types: [Conv2d, Linear]\n  sparsity_per_layer: 0.95\n"),
    "groups, depthwise and not": ("l1", GROUPED, "- op_types: [Conv2d]\n  sparsity_per_layer: 0.68\n"),
    "too few channels for one group": ("l1", GROUPED, "- op_names: [wide]\n  sparsity_per_layer: 0.97\n"),
    "no channel at all": ("l1", GROUPED, "- op_names: [wide, head]\n  sparsity_per_layer: 0.05\n"),
    "attention": ("l2", ATTENTION, "- op_types: [Linear]\n  sparsity_per_layer: 0.3\n"),
    "two outputs": ("l1", ATTENTION, "- op_names: [head, pool, embed]\n  sparsity_per_layer: 0.5\n"),
    "a subclass and what it is called": (
        "level",
        ATTENTION,
        "- op_types: [default]\n  sparsity_per_layer: 0.5\n",
    ),
    "shared with what is never called": (
        "level",
        "a Linear 4x4\nb Linear 4x4 never-called = a.weight\nc Linear 4x4 never-called\nd Linear 4x4 never-called\n",
        "- op_types: [Linear]\n  total_sparsity: 0.5\n  max_sparsity_per_layer: 0.9\n",
    ),
}
SILENT = {
    "one ratio for the set": ("l1", RESIDUAL, "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n"),
    "another ratio that takes as many": (
        "l1",
        RESIDUAL,
        "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_names: [stem]\n  sparsity_per_layer: 0.51\n",
    ),
    "one group for the set": (
        "l1",
        RESIDUAL,
        "- op_types: [Conv2d]\n  total_sparsity: 0.5\n  max_sparsity_per_layer: 0.9\n",
    ),
    "inside of a block": ("l1", RESIDUAL, "- op_partial_names: [conv1]\n  sparsity_per_layer: 0.9\n"),
    "different ratios by elements": (
        "level",
        RESIDUAL,
        "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_names: [stem]\n  exclude: true\n",
    ),
    "the output, by a capped total": (
        "level",
        RESIDUAL,
        "- op_types: [Linear, Conv2d]\n  total_sparsity: 0.85\n  max_sparsity_per_layer: 0.9\n",
    ),
    "whole groups": ("l1", GROUPED, "- op_names: [wide]\n  sparsity_per_layer: 0.25\n"),
    "whole heads": ("l1", ATTENTION, "- op_names: [q, k]\n  sparsity_per_layer: 0.5\n"),
    "a subclass that is excluded": (
        "level",
        ATTENTION,
        """
- op_types: [Linear]
  sparsity_per_layer: 0.5
- op_names: [attn.out_proj, head]
  exclude: true
""",
    ),
    "embeddings by elements": ("level", ATTENTION, "- op_names: [embed, head]\n  sparsity_per_layer: 0.5\n"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_reported(case, shown, snapshot):
    pruner, layers, text = case
    assert shown(text, layers, pruner=pruner) == snapshot


@pytest.mark.parametrize("case", SILENT.values(), ids=SILENT)
def test_silent(case, shown):
    pruner, layers, text = case
    assert shown(text, layers, pruner=pruner) == ""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_silent_without_a_forward_pass(case):
    pruner, layers, text = case
    graph = graph_of(layers)._replace(origin=Origin.PARTIAL)
    codes = {finding.rule.code for finding in lint(load_text(text), graph, pruner)}
    assert codes.isdisjoint({"PC503", "PC504", "PC505", "PC506", "PC507"})


def load_text(text):
    from pruneconf.config import read_config
    from pruneconf.document import parse

    return read_config(parse(text, "config.yaml"))


def test_unknown_pruner():
    with pytest.raises(PruneconfError, match="there is no pruner `l3`; did you mean `l1`"):
        lint(load_text("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n"), graph_of(RESIDUAL), "l3")


@st.composite
def coupled_cases(draw):
    """A model whose couplings may be anything that a graph file can hold, and a config for it."""
    graph, data = draw(cases())
    names = st.sampled_from([layer.name for layer in graph.layers] + ["attn.in_proj_weight", ""])
    few = st.integers(1, 4)
    member = st.builds(Member, names, st.sampled_from(Side), few, few, few, few, few, few, few, few)
    coupling = st.builds(
        Coupling,
        st.integers(1, 12),
        st.lists(member, min_size=1, max_size=5).map(tuple),
        st.lists(st.builds(Join, st.sampled_from(["add", "cat"]), st.sampled_from(["", "m.py:3"])), max_size=2).map(
            tuple
        ),
        st.lists(
            st.builds(Limit, st.sampled_from(["group-norm", "attention-heads", "new"]), few, names), max_size=2
        ).map(tuple),
        st.lists(
            st.builds(Pin, st.sampled_from(["input", "output", "heads", "unknown", "new"]), names), max_size=2
        ).map(tuple),
    )
    layers = tuple(
        layer._replace(calls=draw(st.sampled_from([None, 0, 1])), output=draw(st.booleans()), bases=draw(bases))
        for layer in graph.layers
    )
    couplings = tuple(draw(st.lists(coupling, max_size=4)))
    return graph._replace(layers=layers, couplings=couplings, origin=Origin.OPERATORS), data


bases = st.sampled_from([(), ("Conv2d",), ("MyConv", "Linear"), ("ConvTranspose2d",)])


@given(coupled_cases(), st.sampled_from(Pruner))
def test_any_graph_gives_findings_that_stand_in_the_text(case, pruner):
    graph, data = case
    found = lint(load(data), graph, pruner)
    for finding in found:
        assert set(finding.layers) <= set(graph.by_name)
        for label in (finding.place, *finding.related):
            assert 0 <= label.start < label.end <= len(label.document.text)
    render(found, lambda text, style: text)
    names = {layer for coupling in graph.couplings for layer in coupling.layers(Side.OUT)}
    shown = groups_text(graph, resolve(load(data), graph), lambda text, style: text)
    assert all("." in name or name in shown for name in names)


@given(coupled_cases())
def test_coupled_rules_speak_of_structured_pruners_only(case):
    graph, data = case
    codes = {finding.rule.code for finding in lint(load(data), graph)}
    assert codes.isdisjoint({"PC505", "PC506", "PC507", "PC508"})
