"""Fixes of configs by hand: what becomes of the text, and which fixes are left out."""

from __future__ import annotations

import pytest

from pruneconf.config import read_config
from pruneconf.document import parse
from pruneconf.rules.engine import examine
from pruneconf.rules.mend import mend
from tests.rules.layers import graph_of

LAYERS = "conv1 Conv2d 16x3x3x3\nblock.conv2 Conv2d 16x16x3x3\nblock.conv3 Conv2d 16x16x3x3\nfc Linear 10x16\n"


def mended(text, name="config.yaml", layers=LAYERS):
    graph = graph_of(layers)
    return mend(read_config(parse(text, name)), lambda reading: examine(reading, graph))


def test_a_fix_that_would_bring_something_new_is_left_out():
    text = "- op_names: [conv1, cnv1]\n  sparsity_per_layer: 80\n"
    done = mended(text)
    assert done.reading.document.text == text.replace("80", "0.8")
    assert [(one.finding.rule.code, one.because) for one in done.left_out] == [("PC201", "PC110")]


def test_one_bad_fix_does_not_keep_the_others_out():
    text = "- op_names: [conv1, cnv1, fcc]\n  sparsity_per_layer: 0.5\n- op_names: [block.cnv2]\n  exclude: true\n"
    done = mended(text)
    assert done.reading.document.text.startswith("- op_names: [conv1, cnv1, fc]\n")
    assert [one.finding.message for one in done.left_out] == ["no layer is named `cnv1`"]


def test_what_a_fault_has_hidden_is_mended_in_the_next_pass():
    done = mended("- opTypes: conv2d\n  sparsty: '50%'\n")
    assert done.reading.document.text == "- opTypes: conv2d\n".replace("opTypes: conv2d", "op_types: [Conv2d]") + (
        "  sparsity_per_layer: 0.5\n"
    )
    assert done.examined.findings == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "- op_types: [Conv2d]\n  total_sparsity: 0.6 # all\n  op_names: [conv1] # old\n  op_names:\n    - conv1\n    # this one\n    - block.conv2\n",
            "- op_types: [Conv2d]\n  total_sparsity: 0.6 # all\n  max_sparsity_per_layer: 0.9\n  op_names:\n    - conv1\n    # this one\n    - block.conv2\n",
        ),
        (
            "# no pruning here\n- op_names: [conv1]\n  exclude: true # never\n\n- op_types: [Conv2d]\n  sparsity_per_layer: 0.5",
            "# no pruning here\n\n- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_names: [conv1]\n  exclude: true # never",
        ),
        (
            "- initial_sparsity: 0.1\n  # why\n  op_types: [Conv2d]\n  final_sparsity: 0.5\n  frequency: 1\n",
            "- # why\n  op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n",
        ),
        (
            "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n\n- op_names: [fc]\n  sparsity_per_layer: 0.1\n  exclude: true\n",
            "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n\n- op_names: [fc]\n  exclude: true\n",
        ),
        (
            "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_names: [fc]\n  exclude: false\n- op_names: [fc]\n  sparsity_per_layer: 0.2\n",
            "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_names: [fc]\n  sparsity_per_layer: 0.2\n",
        ),
        (
            "- op_partial_names: [block.]\n  op_names:\n    - block.conv2\n    - block.conv3 # too\n  sparsity_per_layer: 0.5\n",
            "- op_partial_names: [block.]\n  sparsity_per_layer: 0.5\n",
        ),
        (
            "- {op_types: [Conv2d], sparsity_per_layer: 0.5}\n- {op_names: [conv1], sparsity_per_layer: 0.5}\n",
            "- {op_types: [Conv2d], sparsity_per_layer: 0.5}\n",
        ),
    ],
)
def test_edits_in_block_style(before, after):
    for line_break in ("\n", "\r\n"):
        done = mended(before.replace("\n", line_break))
        assert done.reading.document.text == after.replace("\n", line_break)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "- op_names:\n    - conv1 # one\n  sparsity_per_layer: 0.5\n- op_names: [fc]\n  sparsity_per_layer: 0.5\n",
            "- op_names:\n    - conv1 # one\n    - fc\n  sparsity_per_layer: 0.5\n",
        ),
        (
            "- {op_partial_names: ['conv2'], sparsity_per_layer: 0.5}\n- {op_partial_names: [conv3], sparsity_per_layer: 0.50}\n",
            "- {op_partial_names: ['conv2', 'conv3'], sparsity_per_layer: 0.5}\n",
        ),
        (
            "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_types:\n  - Linear\n  sparsity_per_layer: 0.5\n",
            "- op_types: [Conv2d, Linear]\n  sparsity_per_layer: 0.5\n",
        ),
    ],
)
def test_sub_configs_that_differ_in_one_list_are_merged(before, after):
    assert mended(before).reading.document.text == after


@pytest.mark.parametrize(
    "text",
    [
        "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_names: [fc]\n  sparsity_per_layer: 0.5\n",
        "- op_names: [conv1]\n  total_sparsity: 0.5\n- op_names: [fc]\n  total_sparsity: 0.5\n",
        "- op_names: [conv1]\n  sparsity_per_layer: 0.5\n- op_names: [fc]\n  sparsity_per_layer: 0.6\n",
        "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n- op_names: [conv1]\n  exclude: true\n- op_names: [block.conv2]\n  exclude: true\n",
    ],
)
def test_sub_configs_that_say_something_else_are_not_merged(text):
    assert "PC308" not in {finding.rule.code for finding in mended(text).examined.findings}


def test_edits_in_json():
    before = """[
 {
  "op_types": ["Conv2d"],
  "total_sparsity": 0.3,
  "max_sparsity_per_layer": 0.9
 },
 {
  "op_names": ["fc", "fc"],
  "exclude": true
 },
 {
  "op_names": [
   "fc"
  ],
  "exclude": true
 }
]
"""
    after = """[
 {
  "op_types": ["Conv2d"],
  "total_sparsity": 0.3
 },
 {
  "op_names": [
   "fc"
  ],
  "exclude": true
 }
]
"""
    same_size = "conv1 Conv2d 16x16x3x3\nconv2 Conv2d 16x16x3x3\nfc Linear 10x16\n"
    assert mended(before, "config.json", same_size).reading.document.text == after
