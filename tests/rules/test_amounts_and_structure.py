"""How much is pruned, and what hangs together: the hard cases, and what must stay silent."""

import pytest

LAYERS = """
conv1 Conv2d 16x3x3x3
conv2 Conv2d 64x16x3x3
conv3 Conv2d 64x64x3x3
gate Linear 2x2
scale PReLU 1
fc Linear 10x64
"""
TIED = """
embed Embedding 100x8
norm LayerNorm 8
q Linear 8x8
k Linear 8x8 = q.weight aka keys
head Linear 100x8 = embed.weight
last Linear 100x8 = embed.weight
"""
CONFIGS = {
    "a total at its cap, that rounding makes impossible": """
- op_names: [gate, fc]
  total_sparsity: 0.99
  max_sparsity_per_layer: 0.99
""",
    "a cap that allows nothing": """
- op_names: [gate]
  total_sparsity: 0.5
  max_sparsity_per_layer: 0.1
""",
    "a cap that never binds": """
- op_types: [Conv2d]
  total_sparsity: 0.005
  max_sparsity_per_layer: 0.9
""",
    "a total close to 1 without a cap": """
- op_types: [Conv2d, Linear]
  total_sparsity: 0.97
""",
    "one layer of two too small": """
- op_names: [gate, fc]
  sparsity_per_layer: 0.2
""",
    "a group that masks nothing": """
- op_names: [gate]
  total_sparsity: 0.1
""",
    "only one element": """
- op_names: [scale]
  sparsity_per_layer: 0.5
""",
    "everything excluded": """
- op_names: [fc]
  exclude: true
- op_types: [Conv2d]
  exclude: true
""",
}
SILENT = {
    "one layer in a group": "- op_names: [conv3]\n  total_sparsity: 0.9\n",
    "a budget smaller than every layer": "- op_types: [Conv2d]\n  total_sparsity: 0.005\n",
    "a cap of 1": "- op_types: [Conv2d]\n  total_sparsity: 0.8\n  max_sparsity_per_layer: 1\n",
    "one slope among others": "- op_types: [Conv2d, PReLU]\n  sparsity_per_layer: 0.5\n",
}
STRUCTURE = {
    "one of two excluded": """
- op_types: [Linear, Embedding]
  sparsity_per_layer: 0.5
- op_names: [embed]
  exclude: true
""",
    "two ratios": """
- op_names: [q, embed]
  sparsity_per_layer: 0.5
- op_names: [k, head, last]
  sparsity_per_layer: 0.6
""",
    "two groups of one ratio": """
- op_names: [q]
  total_sparsity: 0.5
- op_names: [k]
  total_sparsity: 0.5
""",
    "one pruned, one excluded, one not selected": """
- op_names: [head]
  sparsity_per_layer: 0.5
- op_names: [embed]
  exclude: true
""",
    "a weight of layers that nothing selects": """
- op_names: [head, k]
  sparsity_per_layer: 0.5
""",
    "a block with its normalisation and embedding": """
- op_partial_names: [e, q, k, norm]
  sparsity_per_layer: 0.5
""",
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_amounts(text, shown, snapshot):
    assert shown(text, LAYERS) == snapshot


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT)
def test_amounts_that_are_fine(text, shown):
    assert shown(text, LAYERS) == ""


@pytest.mark.parametrize("text", STRUCTURE.values(), ids=STRUCTURE)
def test_structure(text, shown, snapshot):
    assert shown(text, TIED) == snapshot


@pytest.mark.parametrize(
    "selectors",
    [
        "op_types: [Linear, Embedding]",
        "op_names: [embed, head, last]",
        "op_names: [q, k]",
        "op_types: [LayerNorm]",
        "op_names: [norm]",
        "op_partial_names: [norm]",
    ],
)
def test_structure_that_is_meant(selectors, shown):
    assert shown(f"- {selectors}\n  sparsity_per_layer: 0.5\n", TIED) == ""


def test_a_module_with_two_names_is_one_layer(shown):
    assert shown("- op_names: [fc]\n  sparsity_per_layer: 0.5\n", "fc Linear 8x8 aka out\n") == ""


@pytest.mark.parametrize(
    "text", ["- op_names: [fd]\n  exclude: true\n", "- op_types: [Conv3d]\n  sparsity_per_layer: 0.5\n"]
)
def test_nothing_selected_is_said_once(text, findings):
    assert len(findings(text, LAYERS)) == 1
