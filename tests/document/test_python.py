"""Laws of reading Python source: data and spans are those of Python itself."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneconf.document import Mapping, Node, Scalar, Sequence, parse, plain
from pruneconf.document.comments import comments
from pruneconf.document.edits import scalar_text
from tests.document.texts import NUMBERS, TEXTS

TEXT = st.text(alphabet="ab'\"\\{}#:é中😀\n\t\x07\u2028", max_size=8) | TEXTS
VALUES = st.recursive(
    TEXT | NUMBERS | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3) | st.lists(inner, max_size=2).map(tuple)
    ),
    max_leaves=8,
)
LISTS = st.lists(st.dictionaries(TEXT, VALUES, max_size=3), min_size=1, max_size=3)


@st.composite
def sources(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A source with lists written in many ways, and the text of each list."""
    lists = [_written(draw, value) for value in draw(st.lists(LISTS, min_size=1, max_size=3))]
    forms = [
        "x = {}\n",
        "é = f(1, {})  # é [{{\n",
        "g(a='中', config={})\n",
        "def f():\n\treturn {}\n",
        "x = {{'k': {}}}\r\n",
    ]
    return "".join(draw(st.sampled_from(forms)).format(text) for text in lists), lists


def _written(draw: st.DrawFn, value: Any) -> str:
    blank = draw(st.sampled_from(["", " ", "\n", "\r\n ", " # 中 ]\n  "]))
    if isinstance(value, dict):
        items = (f"{_written(draw, key)}:{blank}{_written(draw, value[key])}" for key in value)
        return "{" + blank + ",".join(items) + blank + "}"
    if isinstance(value, list | tuple):
        items = [_written(draw, item) for item in value]
        inside = blank + f",{blank}".join(items) + ("," if len(items) == 1 else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, str):
        if draw(st.booleans()):
            middle = len(value) // 2
            return f"{value[:middle]!r}{blank or ' '}{value[middle:]!r}"
        return draw(st.sampled_from([repr, ascii]))(value)
    return repr(value)


def listed(value: Any) -> Any:
    """The value with lists for its tuples, which JSON data does not have."""
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    return [listed(item) for item in value] if isinstance(value, list | tuple) else value


def nodes(node: Node) -> list[Node]:
    inner = (
        node.items
        if isinstance(node, Sequence)
        else [e.value for e in node.entries]
        if isinstance(node, Mapping)
        else ()
    )
    return [node, *(below for child in inner for below in nodes(child))]


@given(sources())
def test_literal_lists_read_as_ast_literal_eval_reads_them(source: tuple[str, list[str]]) -> None:
    text, lists = source
    document = parse(text, "x.py")
    assert isinstance(document.root, Mapping)
    found = sorted(document.root.entries, key=lambda entry: entry.value.start)
    assert [repr(plain(entry.value)) for entry in found] == [
        repr(listed(ast.literal_eval(one.strip()))) for one in lists
    ]
    for entry in found:
        for node in nodes(entry.value):
            assert repr(listed(ast.literal_eval(f"({text[node.start : node.end]})"))) == repr(plain(node))


@given(TEXT | st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["''", '""', "r'x'", '"""x"""']))
def test_what_is_written_reads_back(value: str | float, quoted: str) -> None:
    like = Scalar(0, len(quoted), "x", plain=False)
    written = scalar_text(parse(quoted, "x.py"), value, like)
    assert ast.literal_eval(written) == value


@given(sources())
def test_comments_are_those_of_the_tokenizer(source: tuple[str, list[str]]) -> None:
    document = parse(source[0], "x.py")
    tokens = tokenize.generate_tokens(io.StringIO(source[0], newline=None).readline)
    expected = [token.string for token in tokens if token.type == tokenize.COMMENT]
    assert [comment.text for comment in comments(document)] == expected
    assert all(document.text[c.start : c.end] == c.text for c in comments(document))


@given(st.text(alphabet="[]{}()'\"#:,=x1 \n\t\\é\x00-*", max_size=40))
def test_no_source_is_too_odd(text: str) -> None:
    document = parse(text, "x.py")
    assert (document.root is None) == bool([p for p in document.problems if p.rule == "PC001"])
    for problem in document.problems:
        assert 0 <= problem.start <= problem.end <= len(document.text)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = b = [{}]", ["a"]),
        ("self.config: list = [{}]", ["config"]),
        ("d['k'] = [{}]", ["k"]),
        ("f(x, [{}], y=[{}], **z)", ["f", "y"]),
        ("m.f([{}])([{}])", ["f", "config"]),
        ("d = {'k': [{}], 1: [{}], **e}", ["k", "d"]),
        ("(c := [{}])", ["c"]),
        ("c = [{}] if x else [{}]", ["c", "c.2"]),
        ("[{}]", ["config"]),
        ("async def f():\n  c += [{}]\n  return [{}]", ["c", "f"]),
        ("c = [[{}], [{}]]", ["c", "c.2"]),
        ("c = [{'a': [{}]}]", ["c"]),
        ("c = [1, 2]; d = [e for e in {}]", []),
    ],
)
def test_lists_are_called_by_what_they_are_given_to(source: str, names: list[str]) -> None:
    root = parse(source, "x.py").root
    assert isinstance(root, Mapping)
    assert [entry.key.value for entry in root.entries] == names
