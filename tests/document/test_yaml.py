"""YAML 1.2 by its core schema, keys as texts, anchors, merge keys, doubled keys, and where everything stands."""

from __future__ import annotations

from typing import Any

import pytest

from pruneconf.document import Document, Mapping, Node, Scalar, Sequence, parse, plain


def read(text: str) -> Document:
    return parse(text, "x.yaml")


def data(text: str) -> Any:
    document = read(text)
    assert not document.problems
    assert document.root is not None
    return plain(document.root)


def text_at(document: Document, *path: str | int) -> str:
    node = document.find(path)
    assert node is not None
    return document.text[node.start : node.end]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("-0x1", "-0x1"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("٣", "٣"),
        ("0.5", 0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1.5e-3", -0.0015),
        ("1e3", 1000.0),
        ("1e", "1e"),
        (".", "."),
        ("-", [None]),
        ("+", "+"),
        (".inf", ".inf"),
        ("-.INF", "-.INF"),
        (".nan", ".nan"),
        ("1e400", "1e400"),
        ("1e-400", 0.0),
        ("2001-01-01", "2001-01-01"),
        ("=", "="),
        ("'1'", "1"),
        ('"true"', "true"),
        ("'it''s'", "it's"),
        ('"\\u00e9\\x41\\U0001F600"', "éA😀"),
        ("! 1", "1"),
        ("!!str 1", "1"),
        ("!!str", ""),
        ("!!int '1'", 1),
        ("!!float 1", 1.0),
        ("!!float 0x10", 16.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("! [1]", [1]),
        ("!<tag:yaml.org,2002:str> 1", "1"),
        ("%TAG !y! tag:yaml.org,2002:\n---\n!y!str 1", "1"),
        ("%YAML 1.2\n---\na", "a"),
        ("%YAML 1.1\n---\nyes", "yes"),
        ("# only a comment", None),
        ("---\n...\n", None),
        ("a\n  b\n\n  c", "a b\nc"),
        ("|\n  a\n  b\n", "a\nb\n"),
        (">-\n  a\n  b\n", "a b"),
        ("|+\n  a\n\n", "a\n\n"),
        ("|2\n    a\n", "  a\n"),
        ("[a, [b], {c: d}, e: f]", ["a", ["b"], {"c": "d"}, {"e": "f"}]),
        ("{a, b: }", {"a": None, "b": None}),
        ("? a\n: b\n? c", {"a": "b", "c": None}),
    ],
)
def test_values(text: str, value: Any) -> None:
    found = data(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1: a", "1"),
        ("0.50: a", "0.50"),
        ("true: a", "true"),
        ("~: a", "~"),
        ("? \n: a", ""),
        ("'1': a", "1"),
        ("!!int 1: a", "1"),
        ("&k 1: a", "1"),
        ("? |\n  x\n: a", "x\n"),
        ("'<<': a", "<<"),
        ("é😀: a", "é😀"),
    ],
)
def test_keys_are_texts(text: str, key: str) -> None:
    assert [*data(text)] == [key]


def test_an_empty_file_holds_null() -> None:
    assert read("").root == Scalar(0, 0, None, plain=True)


def test_doubled_keys_are_kept_and_reported() -> None:
    document = read("a: 1\nb: 2\na: 3\n")
    assert isinstance(document.root, Mapping)
    assert [entry.key.value for entry in document.root.entries] == ["a", "b", "a"]
    assert plain(document.root) == {"a": 3, "b": 2}
    assert [(p.rule, p.start, p.end, p.first) for p in document.problems] == [("PC002", 10, 11, (0, 1))]


def test_an_alias_is_the_node_of_its_anchor() -> None:
    document = read("- &types [Conv2d]\n- *types\n- &types x\n- *types\n")
    assert isinstance(document.root, Sequence)
    first, second, third, fourth = document.root.items
    assert first is second
    assert third is fourth
    assert text_at(document, 1) == "[Conv2d]"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("- &a {x: 1, y: 2}\n- {<<: *a, y: 3}", {"y": 3, "x": 1}),
        ("- &a {x: 1}\n- {x: 2, <<: *a}", {"x": 2}),
        ("- [&a {x: 1}, &b {x: 2, y: 3}]\n- <<: [*a, *b]\n  z: 4", {"z": 4, "x": 1, "y": 3}),
        ("- &a {x: 1}\n- &b {<<: *a, y: 2}\n- {<<: *b}", {"x": 1, "y": 2}),
        ("- {<<: {x: 1}, <<: {x: 2, y: 3}}", {"x": 1, "y": 3}),
        ("- &a {x: 1}\n- {'<<': *a}", {"<<": {"x": 1}}),
    ],
)
def test_merge_keys_add_what_the_mapping_lacks(text: str, value: Any) -> None:
    assert data(text)[-1] == value


def test_merged_entries_point_to_where_they_are_written() -> None:
    document = read("- &base\n  sparsity: 0.5\n- <<: *base\n  op_types: [a]\n")
    assert text_at(document, 1, "sparsity") == "0.5"
    assert document.position(document.find((1, "sparsity")).start) == (2, 13)  # type: ignore[union-attr]


def test_nodes_begin_behind_their_anchor_and_end_with_their_last_part() -> None:
    document = read(
        "a: &x !!str 1 # c\nb: &y\n  # c\n  - d\n  -  # c\n\ne: &z\nf: {g: [ 1 , h: 2 ]  }  # c\ni:\n  - *x\n\n"
    )
    assert text_at(document, "a") == "!!str 1"
    assert text_at(document, "b") == "- d\n  -"
    assert text_at(document, "b", 1) == ""
    assert text_at(document, "e") == ""
    assert text_at(document, "f") == "{g: [ 1 , h: 2 ]  }"
    assert text_at(document, "f", "g") == "[ 1 , h: 2 ]"
    assert text_at(document, "f", "g", 1) == "h: 2"
    assert text_at(document, "i") == "- *x"
    assert document.text[document.root.start : document.root.end] == document.text.strip()  # type: ignore[union-attr]


def test_columns_count_code_points() -> None:
    document = read("- {😀é: 'ü😀', b: 1}\r\n- c\r\n")
    node, key = document.find((0, "b")), document.key((0, "b"))
    assert node is not None
    assert key is not None
    assert document.position(key.start) == (1, 14)
    assert document.position(node.start) == (1, 17)
    second = document.find((1,))
    assert second is not None
    assert document.position(second.start) == (2, 3)


def test_quotes_are_remembered() -> None:
    def styles(node: Node | None) -> list[bool]:
        assert isinstance(node, Sequence)
        return [item.plain for item in node.items if isinstance(item, Scalar)]

    assert styles(read("- a\n- 'a'\n- \"a\"\n- |\n  a\n- !!str a\n-\n").root) == [True, False, False, False, True, True]


def test_the_last_paragraph_separator_of_unicode_ends_no_line() -> None:
    document = read("a: 'b\u2028c'\nd: e\n")
    assert document.position(document.find(("d",)).start) == (2, 4)  # type: ignore[union-attr]
