"""What is being written at `|`, in texts that are whole, half and broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneconf.server.cursor import cursor_at

KEY, VALUE, ITEM, NEW = "key", "value", "item", "sub-config"
CASES = [
    ("|", NEW, None, ""),
    ("# a comment\n|", NEW, None, ""),
    ("- |", KEY, None, ""),
    ("-|", KEY, None, ""),
    ("- op|", KEY, None, "op"),
    ("- op_|names: [a]", KEY, None, "op_names"),
    ("- op_types: |", VALUE, "op_types", ""),
    ("- op_types:|", VALUE, "op_types", ""),
    ("- op_types: [|", ITEM, "op_types", ""),
    ("- op_types: [Conv2d, |", ITEM, "op_types", ""),
    ("- op_types: [Conv2d, Li|, a]", ITEM, "op_types", "Li"),
    ("- op_names:\n    - |", ITEM, "op_names", ""),
    ("- op_names:\n    -|", ITEM, "op_names", ""),
    ("- op_names:\n  - a\n  - b|", ITEM, "op_names", "b"),
    ("- op_names:\n    |", ITEM, "op_names", ""),
    ("- op_names:\n    co|", ITEM, "op_names", "co"),
    ("- op_names:\n    - a\n    |", ITEM, "op_names", ""),
    ("- op_names:\n    - a\n  |", KEY, None, ""),
    ("- op_names: [a, |\n  sparsity_per_layer: 0.5", ITEM, "op_names", ""),
    ("- op_names: [a\n  sparsity_per_layer: 0|", VALUE, "sparsity_per_layer", "0"),
    ("- op_names: [\n    a,\n    |\n  ]", ITEM, "op_names", ""),
    ("- op_names: [a]\n  |", KEY, None, ""),
    ("- op_names: [a]\n  exclude: |", VALUE, "exclude", ""),
    ("- op_names: [a]\n  exclude: tr|", VALUE, "exclude", "tr"),
    ("- op_names: [a]\n|", NEW, None, ""),
    ('- op_names: ["a.|', ITEM, "op_names", '"a.'),
    ('- op_names: ["a.|"]', ITEM, "op_names", '"a."'),
    ("- op_names: ['a.|'", ITEM, "op_names", "'a.'"),
    ("- op_names: [a] |", None, None, ""),
    ("- op_names: [a] # co|", None, None, ""),
    ("- exclude: true |", None, None, ""),
    ("- {op_names: [a], |", KEY, None, ""),
    ("- {op_names: [a], excl|ude: true}", KEY, None, "exclude"),
    ("- op_types: [a]\r\n  op_names: [😀, |]\r\n", ITEM, "op_names", ""),
    ('[{"op_names": ["|"]}]', ITEM, "op_names", '""'),
    ('[{"op_names": ["a", "b|"], "exclude": true}]', ITEM, "op_names", '"b"'),
    ('[{"|"}]', KEY, None, '""'),
    ('[{"exclude": |}]', VALUE, "exclude", ""),
    ('[{"exclude": true}, |]', NEW, None, ""),
    ("[|]", NEW, None, ""),
]


@pytest.mark.parametrize(("marked", "slot", "key", "there"), CASES)
def test_what_is_written_there(marked, slot, key, there):
    offset = marked.index("|")
    text = marked.replace("|", "")
    cursor = cursor_at(text, offset, is_json=marked.startswith("["))
    if slot is None:
        assert cursor is None
        return
    assert cursor is not None
    assert (cursor.slot, cursor.key if slot is not NEW else None, text[cursor.start : cursor.end]) == (slot, key, there)


def test_keys_and_items_behind_the_place_count_too():
    text = "- op_names: [a, , c]\n  sparsity_per_layer: 0.5\n  op_types:\n    - Conv2d\n- exclude: true\n"
    cursor = cursor_at(text, text.index(", ,") + 2, is_json=False)
    assert set(cursor.keys) == {"op_names", "sparsity_per_layer", "op_types"}
    assert cursor.others("op_names") == ["a", "c"]
    assert cursor.others("op_types") == ["Conv2d"]


@given(st.text(st.sampled_from("- \n\r\t:,[]{}\"'#aé😀|op_names0.5"), max_size=60), st.booleans(), st.data())
def test_any_text_has_places(text, is_json, data):
    offset = data.draw(st.integers(0, len(text)))
    cursor = cursor_at(text, offset, is_json=is_json)
    assert cursor is None or 0 <= cursor.start <= offset <= cursor.end <= len(text)
