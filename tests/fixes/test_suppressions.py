"""What a comment that silences rules holds for."""

from __future__ import annotations

import pytest

from pruneconf.config import read_config
from pruneconf.document import parse
from pruneconf.rules import lint
from tests.rules.layers import graph_of

EXTREME, OLD = "PC406", "PC601"


def left(text, layers=None, path=()):
    """The codes and lines of what is still found."""
    document = parse(text, "config.yaml")
    found = lint(read_config(document, path), graph_of(layers) if layers else None)
    return [(finding.rule.code, document.position(finding.place.start).line) for finding in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- op_types: [a]\n  sparsity: 0.999  # pruneconf: ignore[PC406, PC601] a reason\n", []),
        ("- op_types: [a]\n  sparsity: 0.999  # see 5 # pruneconf: ignore[extreme-ratio,deprecated-key]\n", []),
        ("- op_types: [a]\n  sparsity: 0.999  #pruneconf:ignore[PC601]\n", [(EXTREME, 2)]),
        ("- op_types: [a]  # pruneconf: ignore[PC601]\n  sparsity: 0.5\n", [("PC901", 1), (OLD, 2)]),
        ("# pruneconf: ignore[PC601]\n- op_types: [a]\n  sparsity: 0.5\n- op_types: [b]\n  sparsity: 0.5\n", [(OLD, 5)]),
        ("- # pruneconf: ignore[PC601]\n  op_types: [a]\n  sparsity: 0.5\n", []),
        ("- op_types: [a]\n  # pruneconf: ignore[PC601]\n  # and more\n  sparsity: 0.5\n  op_names: [b, b]\n", [("PC110", 5)]),
        ("- op_names: # pruneconf: ignore[PC110]\n    - a\n    - a\n  sparsity: 0.5\n", [(OLD, 4)]),
        ("- op_names:\n    - a\n    # pruneconf: ignore[PC110]\n    - a\n    - a\n  sparsity_per_layer: 0.5\n", [("PC110", 5)]),
        ("# pruneconf: ignore-file[PC601]\n---\n- op_types: [a]\n  sparsity: 0.5\n", []),
        ("# pruneconf: ignore[PC601]\n---\n- &x\n  op_types: [a]\n  sparsity: 0.5\n", []),
        ("- op_types: [a]\n  # pruneconf: ignore-file[PC601]\n  sparsity: 0.5\n", [("PC901", 2), (OLD, 3)]),
        ("- op_types: ['# pruneconf: ignore[PC601]']\n  sparsity: 0.5\n", [(OLD, 2)]),
        ("- op_types: [a]\n  sparsity_per_layer: 0.5\n# pruneconf: ignore[PC601]\n", [("PC901", 3)]),
        ("- op_types: [a]\n  sparsity_per_layer: 0.5 # pruneconf: ignore[PC302] needs a model\n", []),
        ("- op_types: [a]\n  sparsity_per_layer: 0.5 # pruneconf: the linter of this file\n", []),
        ("- op_types: [a]\n  sparsity_per_layer: 0.5 # pruneconf: ignore PC302\n", [("PC902", 2)]),
        ("- op_types: [a]\n  sparsity_per_layer: 0.5 # pruneconf: disable[PC302]\n", [("PC902", 2)]),
        ("- op_types: [a]\n  sparsity_per_layer: 0.5 # pruneconf: ignore[PC999]\n", [("PC902", 2)]),
    ],
)  # fmt: skip
def test_scopes(text, expected):
    assert left(text) == expected
    assert left(text.replace("\n", "\r\n")) == expected


def test_with_a_model_its_rules_have_their_say():
    text = "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5 # pruneconf: ignore[PC302]\n"
    assert left(text, "conv1 Conv2d 16x3x3x3\n") == [("PC901", 2)]
    text = "- op_names: [conv9] # pruneconf: ignore[unknown-op-name] the other branch has it\n  op_types: [Conv2d]\n  exclude: true\n- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n"
    assert "PC201" not in [code for code, _ in left(text, "conv1 Conv2d 16x3x3x3\n")]


def test_comments_for_another_list_of_the_file_are_left_alone():
    one = "# pruneconf: ignore-file[PC601]\na:\n- op_types: [a]\n  sparsity_per_layer: 0.5\n"
    text = one + "b:\n  # pruneconf: ignore[PC110]\n- op_types: [a]\n  sparsity: 0.5\n"
    assert left(text, path=("a",)) == []
    assert left(text, path=("b",)) == [("PC901", 6)]


def test_a_long_comment_takes_no_time():
    assert left("# pruneconf: ignore[PC601]\n" + "# # # #\n" * 20_000 + "- op_types: [a]\n  sparsity: 0.5\n") == []
