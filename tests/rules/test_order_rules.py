"""Who has the last word: what is reported of each pair of sub-configs, and what is left alone because it is meant."""

import pytest

LAYERS = """
stem.conv Conv2d 16x3x3x3
stem.bn BatchNorm2d 16
a.conv1 Conv2d 16x16x3x3
a.conv2 Conv2d 16x16x3x3
a.bn BatchNorm2d 16
b.conv1 Conv2d 16x16x3x3
b.conv2 Conv2d 16x16x3x3
c.conv1 Conv2d 16x16x3x3
fc Linear 10x16
"""
REPORTED = {
    "an exclude before what it protects from": """
- op_names: [stem.conv]
  exclude: true
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
""",
    "one dead by several": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_partial_names: [a., b.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.6
- op_partial_names: [stem, c.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.7
""",
    "the same selectors twice": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
""",
    "a chain": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_partial_names: [a.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.8
- op_partial_names: [a.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.6
""",
    "overlap with two later ones": """
- op_partial_names: [a., b.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_types: [Conv2d, Linear]
  op_partial_names: [conv2, fc]
  sparsity_per_layer: 0.6
- op_partial_names: [b., c.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.7
""",
    "names before a broad one": """
- op_names: [stem.conv, fc]
  sparsity_per_layer: 0.2
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
""",
    "the same ratio again": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.50
- op_partial_names: [a.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.5
""",
    "excluded twice": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_partial_names: [a.]
  exclude: true
- op_names: [a.conv1]
  exclude: true
""",
    "an exclude of what nothing prunes": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_types: [Linear, BatchNorm2d]
  exclude: true
""",
    "an exclude that is partly overridden": """
- op_types: [Conv2d, Linear]
  sparsity_per_layer: 0.5
- op_names: [stem.conv, fc]
  exclude: true
- op_partial_names: [conv]
  op_types: [Conv2d]
  total_sparsity: 0.6
  max_sparsity_per_layer: 0.8
""",
    "a cap that does not follow": """
- op_types: [Conv2d]
  total_sparsity: 0.5
  max_sparsity_per_layer: 0.7
- op_partial_names: [a., b.]
  op_types: [Conv2d]
  total_sparsity: 0.8
""",
    "a group that shrinks": """
- op_partial_names: [a., b.]
  op_types: [Conv2d]
  total_sparsity: 0.5
  max_sparsity_per_layer: 0.8
- op_partial_names: [b., c.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.7
""",
}
MEANT = {
    "broad, then specific": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_partial_names: [a.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.8
- op_names: [a.conv2]
  sparsity_per_layer: 0.2
""",
    "an exclude that also names what is not pruned": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [stem.conv, fc]
  exclude: true
""",
    "names taken over and added": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [stem.conv, fc]
  sparsity_per_layer: 0.2
""",
    "an override across two earlier ones": """
- op_partial_names: [a.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_partial_names: [b.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.6
- op_partial_names: [a.conv2, b.conv2]
  sparsity_per_layer: 0.7
""",
    "a stage excluded, one layer taken back": """
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_partial_names: [a.]
  exclude: true
- op_names: [a.conv1]
  sparsity_per_layer: 0.3
""",
    "overlap with one ratio": """
- op_partial_names: [a., b.]
  op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_partial_names: [b., c.]
  sparsity_per_layer: 0.5
""",
    "a group narrowed by an exclude": """
- op_types: [Conv2d]
  total_sparsity: 0.5
  max_sparsity_per_layer: 0.8
- op_partial_names: [a., fc]
  exclude: true
""",
    "a cap that cannot be exceeded": """
- op_types: [Conv2d]
  total_sparsity: 0.5
  max_sparsity_per_layer: 0.8
- op_names: [a.conv1]
  total_sparsity: 0.6
""",
}


@pytest.mark.parametrize("text", REPORTED.values(), ids=REPORTED)
def test_reported(text, shown, snapshot):
    assert shown(text, LAYERS) == snapshot


@pytest.mark.parametrize("text", MEANT.values(), ids=MEANT)
def test_meant(text, wrong):
    assert wrong(text, LAYERS) == ""


def test_overlap_of_what_a_partial_name_reaches_by_the_way(findings):
    """The normalisations are the fault here (PC509), not that the convolutions are overridden."""
    text = "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_partial_names: [a.]\n  sparsity_per_layer: 0.7\n"
    assert [finding.rule.code for finding in findings(text, LAYERS)] == ["PC509"]


def test_an_unknown_name_explains_that_an_exclude_does_nothing(findings):
    text = "- op_names: [fd]\n  sparsity_per_layer: 0.5\n- op_names: [a.conv1]\n  exclude: true\n"
    assert [finding.rule.code for finding in findings(text, LAYERS)] == ["PC201"]
