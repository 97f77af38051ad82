"""What holds for every text."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from math import isfinite
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pruneconf.document import Document, Mapping, Node, Scalar, Sequence, encode, parse, plain, pointer
from pruneconf.document.comments import comments
from tests.document.texts import DATA, SOUP, Written, written


def nodes(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Sequence):
        for item in node.items:
            yield from nodes(item)
    elif isinstance(node, Mapping):
        for entry in node.entries:
            yield entry.key
            yield from nodes(entry.value)


def ruamel_load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def assert_is_sound(document: Document) -> None:
    """A document has a root or says why not; every place in it lies in the text."""
    assert (document.root is None) == any(problem.rule != "PC002" for problem in document.problems)
    for place in (*document.problems, *([] if document.root is None else nodes(document.root))):
        assert 0 <= place.start <= place.end <= len(document.text)
        assert document.position(place.start) <= document.position(place.end)
    for problem in document.problems:
        assert problem.message
        assert "\n" not in problem.message


@given(written())
def test_yaml_holds_the_data_that_was_written(source: Written) -> None:
    document = parse(source.text, "x.yaml")
    assert not document.problems
    assert document.root is not None
    assert plain(document.root) == source.data == ruamel_load(source.text)


@pytest.mark.parametrize("flow", [None, True, False], ids=["mixed", "flow", "block"])
@given(data=DATA, width=st.sampled_from([20, 80]), line_break=st.sampled_from(["\n", "\r\n"]))
def test_yaml_that_ruamel_writes_reads_as_ruamel_reads_it(
    flow: bool | None, data: Any, width: int, line_break: str
) -> None:
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style, writer.width, writer.allow_unicode = flow, width, True
    out = io.StringIO()
    writer.dump(data, out)
    text = out.getvalue().replace("\n", line_break)
    root = parse(text, "x.yaml").root
    assume(root is not None)  # libyaml does not read `[:a]`
    assert plain(root) == ruamel_load(text)


@given(written())
def test_the_text_of_every_scalar_reads_as_its_value(source: Written) -> None:
    document = parse(source.text, "x.yaml")
    assert document.root is not None
    for node in nodes(document.root):
        if isinstance(node, Scalar):
            text = document.text[node.start : node.end]
            again = parse(f"- {text}", "x.yaml").root
            assert isinstance(again, Sequence)
            value = again.items[0].value  # type: ignore[union-attr]
            assert node.value in (value, text), "keys are texts, whatever they look like"


@given(written())
def test_every_node_lies_within_its_parent_and_starts_and_ends_with_text(source: Written) -> None:
    document = parse(source.text, "x.yaml")
    assert document.root is not None
    for node in nodes(document.root):
        text = document.text[node.start : node.end]
        assert text == text.strip()
        inner = node.items if isinstance(node, Sequence) else []
        if isinstance(node, Mapping):
            inner = [part for entry in node.entries for part in entry]
        for child in inner:
            assert node.start <= child.start <= child.end <= node.end


@given(written())
def test_every_node_is_found_by_its_pointer(source: Written) -> None:
    document = parse(source.text, "x.yaml")

    def check(node: Node, path: tuple[str | int, ...]) -> None:
        assert document.find(path) is node
        steps = enumerate(node.items) if isinstance(node, Sequence) else ()
        if isinstance(node, Mapping):
            steps = ((entry.key.value, entry.value) for entry in node.entries)
            assert all(document.key((*path, entry.key.value)) is entry.key for entry in node.entries)
        for step, child in steps:
            check(child, (*path, step))

    assert document.root is not None
    check(document.root, ())


@given(written())
def test_comments_are_those_that_were_written(source: Written) -> None:
    document = parse(source.text, "x.yaml")
    found = comments(document)
    assert [comment.text for comment in found] == source.comments
    assert document.root is not None
    scalars = [node for node in nodes(document.root) if isinstance(node, Scalar)]
    for comment in found:
        assert document.text[comment.start : comment.end] == comment.text
        assert not any(node.start <= comment.start < node.end for node in scalars)


@given(written(), st.data())
def test_a_damaged_text_gives_a_document_or_a_problem(source: Written, data: st.DataObject) -> None:
    text = source.text
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(at, min(len(text), at + 5)))
    assert_is_sound(parse(text[:at], "x.yaml"))
    assert_is_sound(parse(text[:at] + data.draw(SOUP) + text[cut:], "x.yaml"))


@given(SOUP | st.text(max_size=20), st.sampled_from(["x.yaml", "x.json"]))
def test_any_text_gives_a_document_or_a_problem(text: str, name: str) -> None:
    document = parse(text, name)
    assert_is_sound(document)
    comments(document)


@given(st.binary(max_size=20), st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]))
def test_any_bytes_give_a_document_or_a_problem(data: bytes, mark: bytes) -> None:
    assert_is_sound(parse(mark + data, "x.yaml"))


@given(written(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"]))
def test_bytes_are_written_back_as_they_were(source: Written, encoding: str) -> None:
    data = encode(source.text, encoding)
    document = parse(data, "x.yaml")
    assert (document.text, document.encoding) == (source.text, encoding)
    assert encode(document.text, document.encoding) == data
    assert document.root == parse(source.text, "x.yaml").root


@given(st.text(alphabet="ab\n\r\x0b\x0c\x85\u2028é😀", max_size=20))
def test_positions_count_code_points_in_lines_that_end_at_lf_cr_or_crlf(text: str) -> None:
    document = Document("x.yaml", text)
    lines = re.split("(?<=\n)|(?<=\r)(?!\n)", text)
    expected = [(i + 1, column + 1) for i, line in enumerate(lines) for column in range(len(line))]
    assert [document.position(offset) for offset in range(len(text))] == expected
    assert document.position(len(text)) == (len(lines), len(lines[-1]) + 1)


@given(SOUP | written().map(lambda source: source.text))
def test_without_libyaml_the_python_parser_reads_the_same(text: str) -> None:
    document = parse(text, "x.yaml")
    with patch.dict(sys.modules, {"_ruamel_yaml": None}):
        slow = parse(text, "x.yaml")
    assert_is_sound(slow)
    if document.root is not None and slow.root is not None:
        assert slow.root == document.root


@given(DATA, st.sampled_from([None, 1]), st.booleans())
def test_json_holds_the_data_that_was_written(data: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only)
    document = parse(text, "x.json")
    assert document.root is not None
    assert plain(document.root) == data
    for node in nodes(document.root):
        assert json.loads(text[node.start : node.end]) == plain(node)


@given(st.text(alphabet='[]{},:" \t\n\\u0d8e1.-+atrufls', max_size=12) | DATA.map(json.dumps), st.data())
def test_json_is_accepted_where_the_standard_library_accepts_it(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    for source in (text, text[:at], text[:at] + text[at + 1 :]):
        document = parse(source, "x.json")
        assert_is_sound(document)
        try:
            expected = json.loads(
                source, parse_float=lambda number: float(number) if isfinite(float(number)) else number
            )
        except json.JSONDecodeError:
            assert document.root is None or not source.strip()
        else:
            odd = "surrogate" in document.problems[0].message if document.problems else False
            assert odd or (document.root is not None and plain(document.root) == expected)


@given(st.lists(st.text(alphabet="a/~01#é ", max_size=4) | st.integers(0, 99)))
def test_pointers_escape_as_rfc_6901_says(path: list[str | int]) -> None:
    steps = pointer(tuple(path)).split("/")[1:]
    assert [step.replace("~1", "/").replace("~0", "~") for step in steps] == [str(step) for step in path]
