"""Positions of editors and offsets into the text: one and the same, in all three units."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from pruneconf.server.positions import Positions, changed

UNITS = ("utf-8", "utf-16", "utf-32")
TEXTS = st.text(st.sampled_from("ab é😀\n\r\t\u2028\u0085\x0b"), max_size=40)


def width(text, unit):
    return {"utf-8": len(text.encode()), "utf-16": len(text.encode("utf-16-le")) // 2, "utf-32": len(text)}[unit]


def lines(text):
    """The lines as the protocol has them, without their ends."""
    return re.split(r"\r\n|\r|\n", text)


@given(TEXTS, st.sampled_from(UNITS), st.data())
def test_there_and_back(text, unit, data):
    positions = Positions(text, unit)
    offset = data.draw(st.integers(0, len(text)))
    position = positions.position(offset)
    head = lines(text[:offset])
    inside = text[offset - 1 : offset + 1] == "\r\n"
    assert inside or (position.line, position.character) == (len(head) - 1, width(head[-1], unit))
    assert positions.offset(position) == (offset - 1 if inside else offset)


@given(TEXTS, st.sampled_from(UNITS), st.integers(0, 50), st.integers(0, 50))
def test_any_position_is_some_offset(text, unit, line, character):
    offset = Positions(text, unit).offset(lsp.Position(line, character))
    all_lines = lines(text)
    if line >= len(all_lines):
        assert offset == len(text)
        return
    position = Positions(text, unit).position(offset)
    assert position.line == line
    assert position.character <= character
    if character >= width(all_lines[line], unit):
        assert position.character == width(all_lines[line], unit)


@given(TEXTS, TEXTS, st.sampled_from(UNITS), st.data())
def test_a_change_replaces_what_it_names(text, new, unit, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    if "\r\n" in (text[start - 1 : start + 1], text[end - 1 : end + 1]):
        return  # no editor has a place between the two
    positions = Positions(text, unit)
    change = lsp.TextDocumentContentChangePartial(positions.range(start, end), new)
    assert changed(text, [change], unit) == text[:start] + new + text[end:]


@pytest.mark.parametrize(("unit", "character"), [("utf-8", 6), ("utf-16", 3), ("utf-32", 2)])
def test_an_emoji_counts_as_the_unit_says(unit, character):
    assert Positions("é😀x", unit).position(2).character == character
