"""Reading without a parser gives what the parser gives, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pruneconf.config import Reading, read_config
from pruneconf.document import parse, plain
from pruneconf.document.skim import Number, skim
from pruneconf.rules import lint

LINES = [
    "- op_types: [Conv2d]",
    "- op_names: ['a.0.b', \"c\", d_1,e-f]  # two",
    "- op_partial_names:",
    "    - layer2.",
    "    -   'layer3.'   # three",
    "      - deeper",
    "  - a",
    "  op_names:",
    "  op_types: [Linear, Linear]",
    "  sparsity_per_layer: 0.50",
    "  sparsity_per_layer: 0.00001",
    "  total_sparsity: 1.0",
    "  max_sparsity_per_layer: 0.95#",
    "  exclude: true",
    "  exclude: True",
    "  op_types: [true, null, Falsehood]",
    "  op_types: [nullable]",
    "# a comment: [with, signs]",
    "     # another",
    "    continued",
    "",
    "   ",
    "---",
    "...",
]
TEXTS = st.builds(
    lambda lines, line_break, end: line_break.join(lines) + end,
    st.lists(st.sampled_from(LINES), max_size=9),
    st.sampled_from(["\n", "\n", "\r\n"]),
    st.sampled_from(["", "\n", " "]),
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A text with a character too many somewhere."""
    text = draw(TEXTS)
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.sampled_from(list("-: ,[]{}#&*!|>'\"%@\t\n\ré0."))) + text[at:]


@given(TEXTS | damaged())
@example("- op_names: [a]\n    - b\n")
@example("- op_names:\n- op_names: [a]\n")
@example("- op_names:\n    - a\n      - b\n")
@example("# only this\n")
def test_what_is_skimmed_the_parser_gives_too(text: str) -> None:
    skimmed = skim(text)
    if not skimmed:
        return
    document = parse(text, "x.yaml")
    assert document.root is not None
    assert document.problems == ()
    assert plain(document.root) == skimmed
    for i, sub_config in enumerate(skimmed):
        for key, value in sub_config.items():
            if isinstance(value, Number):
                node = document.find((i, key))
                assert node is not None
                assert value.text == text[node.start : node.end]


@given(TEXTS)
def test_a_skimmed_config_is_the_parsed_one(text: str) -> None:
    document = parse(text, "x.yaml")
    reading = read_config(document)
    if reading.skimmed:
        assert reading.sub_configs == Reading(document, ()).sub_configs
        assert lint(Reading(document, ())) == []


@pytest.mark.parametrize(
    "text",
    [
        "- op_types: [Conv2d, Linear]\n  sparsity_per_layer: 0.5\n",
        "---\n# head\n- op_names:\n  - conv1\n  - 'fc'  # the last\n\n  exclude: true\n",
        '- op_types: ["Conv2d"]\r\n  total_sparsity: 0.80\r\n  max_sparsity_per_layer: 1.0\r\n',
    ],
)
def test_usual_configs_are_skimmed(text: str) -> None:
    assert read_config(parse(text, "x.yaml")).skimmed == plain(parse(text, "x.yaml").root)  # type: ignore[arg-type]
