"""Reading: files, standard input, pointers into them, encodings."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from pruneconf.document import encode, locate, parse, plain, read
from pruneconf.errors import PruneconfError

TEXT = "prune:\n  configs:\n    - sparsity: 0.5\n    - {a/b: 1, m~n: 2, '0': 3}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cfg.yaml").write_text(TEXT)
    return tmp_path


@pytest.mark.parametrize(
    ("pointer", "path"),
    [
        ("", ()),
        ("#/prune", ("prune",)),
        ("#/prune/configs/0", ("prune", "configs", 0)),
        ("#/prune/configs/1/a~1b", ("prune", "configs", 1, "a/b")),
        ("#/prune/configs/1/m~0n", ("prune", "configs", 1, "m~n")),
        ("#/prune/configs/1/0", ("prune", "configs", 1, "0")),
    ],
)
def test_a_file_with_a_pointer(here: Path, pointer: str, path: tuple[str | int, ...]) -> None:
    document, found = read(f"cfg.yaml{pointer}")
    assert (document.name, document.text, found) == ("cfg.yaml", TEXT, path)
    assert document.find(found) is not None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.yaml", "there is no file `no.yaml`: give its path as seen from the current directory"),
        ("no.yaml#/a", "there is no file `no.yaml`: give its path as seen from the current directory"),
        ("no/cfg.yaml", "there is no file `no/cfg.yaml`: there is no directory `no`"),
        ("cgf.yaml", "there is no file `cgf.yaml`: did you mean `cfg.yaml`?"),
        (
            "cfg.yaml#prune",
            "there is no file `cfg.yaml#prune`: a place inside a file is named as `cfg.yaml#/prune`, with a `/`",
        ),
        ("folder", "`folder` is a directory: name a file in it"),
        ("cfg.yaml/x", "cannot read `cfg.yaml/x`: not a directory"),
        ("a\0b", "cannot read `a\0b`: embedded null byte"),
        ("a" * 300, f"cannot read `{'a' * 300}`: file name too long"),
        ("cfg.yaml#/prun", "`cfg.yaml#/prun` leads nowhere: did you mean `prune`?"),
        ("cfg.yaml#/x", "`cfg.yaml#/x` leads nowhere: the keys there are `prune`"),
        (
            "cfg.yaml#/prune/configs/2",
            "`cfg.yaml#/prune/configs/2` leads nowhere: the list there has 2 items, counted from 0",
        ),
        (
            "cfg.yaml#/prune/configs/00",
            "`cfg.yaml#/prune/configs/00` leads nowhere: the list there has 2 items, counted from 0",
        ),
        (
            "cfg.yaml#/prune/configs/0/sparsity/x",
            "`cfg.yaml#/prune/configs/0/sparsity/x` leads nowhere: `/prune/configs/0/sparsity` is neither a list nor a mapping",
        ),
    ],
    ids=lambda value: value[:30].replace("\0", "0"),
)
def test_what_cannot_be_read_is_one_sentence(here: Path, name: str, message: str) -> None:
    (here / "folder").mkdir()
    with pytest.raises(PruneconfError) as error:
        read(name)
    assert str(error.value) == message


def test_a_file_whose_name_looks_like_a_pointer_is_that_file(here: Path) -> None:
    (here / "a#").mkdir()
    (here / "a#" / "b.yaml").write_text("1")
    document, path = read("a#/b.yaml")
    assert (document.name, document.text, path) == ("a#/b.yaml", "1", ())


def test_a_pointer_into_a_text_that_does_not_parse_waits_for_the_problem(here: Path) -> None:
    (here / "cfg.yaml").write_text("a: [")
    document, path = read("cfg.yaml#/a")
    assert (document.root, path, [problem.rule for problem in document.problems]) == (None, (), ["PC001"])


@pytest.mark.parametrize(
    ("filename", "name", "data"),
    [(None, "<stdin>", b"a: [1]"), ("x.yaml", "x.yaml", b"a: [1]"), ("x.json", "x.json", b'{"a": [1]}')],
)
def test_standard_input(filename: str | None, name: str, data: bytes) -> None:
    document, path = read("-#/a/0", stdin=io.BytesIO(data), stdin_filename=filename)
    assert (document.name, path, document.problems) == (name, ("a", 0), ())


def test_names_decide_between_json_and_yaml() -> None:
    assert parse("{a: 1}", "x.JSON").problems
    assert parse("{a: 1}", "x.yaml").problems == ()
    assert parse('{"a": 1}', "x.json").is_json


def test_a_json_pointer_begins_with_a_slash() -> None:
    with pytest.raises(PruneconfError, match="must begin with `/`"):
        locate(parse("a: 1", "x.yaml"), "a")


@pytest.mark.parametrize("name", ["x.yaml", "x.json"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
def test_encodings(name: str, encoding: str) -> None:
    text = '["é",\r\n "😀"]\r\n'
    document = parse(encode(text, encoding), name)
    assert (document.text, document.encoding, document.problems) == (text, encoding, ())
    assert document.root is not None
    assert plain(document.root) == ["é", "😀"]
    assert document.position(document.find((1,)).start) == (2, 2)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "position", "message"),
    [
        (b"a: \xe9\n", (1, 4), "the byte `0xE9` is no UTF-8 text"),
        ("a: é\nb: ".encode() + b"\xff", (2, 4), "the byte `0xFF` is no UTF-8 text"),
        (b"\xef\xbb\xbfa: \xe9", (1, 4), "the byte `0xE9` is no UTF-8 text"),
        (b"\xff\xfea\0\n\0b", (2, 1), "the byte `0x62` is no UTF-16-LE text"),
        (b"\xff\xfea\0\x00\xd8", (1, 2), "the bytes `0x00 0xD8` are no UTF-16-LE text"),
        ("a: 1".encode("utf-16-le"), (1, 1), "the file holds binary data"),
    ],
)
def test_bytes_that_are_no_text_are_a_problem_where_they_stand(data: bytes, position: Any, message: str) -> None:
    document = parse(data, "x.yaml")
    (problem,) = document.problems
    assert (document.root, problem.rule, problem.message) == (None, "PC001", message)
    assert document.position(problem.start) == position


def test_positions_in_an_empty_text() -> None:
    assert parse("", "x.yaml").position(0) == (1, 1)
    assert parse("a\n", "x.yaml").position(2) == (2, 1)
    assert parse("a", "x.yaml").position(1) == (1, 2)
