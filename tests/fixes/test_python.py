"""Fixes and suppressions in Python source: edits of the lists in it, comments around them, everything else as it was."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneconf.config import read_config
from pruneconf.document import parse, plain
from pruneconf.rules.engine import examine
from pruneconf.rules.mend import mend
from tests.rules.test_schema_properties import configs

TRAIN = """\
#!/usr/bin/env python
'''Trains; nobody runs this.'''
# pruneconf: ignore-file[PC112] later
raise SystemExit

config_list = [
    {"op_types": ['Conv2d', 'Conv2d'], 'sparsity': 0.5},   # é: all
    {
        'op_names': ["a"],
        # pruneconf: ignore[extreme-ratio] the point of this study
        "sparsity_per_layer": 0.999,
    },
]
names = ["x"]


def fine(model):
    # pruneconf: ignore[PC110]
    return Pruner(model, config_list=[{"op_types": ["Conv2d", "Conv2d", ], "op_names": ("x", "x"), "exclude": True},
        {"op_types": ["Linear"], "exclude": False, "sparsity": .5}, {"op_types": "default", "sparsty": 0.5}])
"""
SAFE = (
    TRAIN.replace("['Conv2d', 'Conv2d'], 'sparsity'", "['Conv2d'], 'sparsity_per_layer'")
    .replace('"exclude": False, "sparsity"', '"sparsity_per_layer"')
    .replace('"default"', '["default"]')
)
ALL = SAFE.replace("sparsty", "sparsity_per_layer")


@pytest.fixture
def train(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(TRAIN, encoding="utf-8")
    return path


def test_every_list_of_a_file_is_fixed_in_one_step(train, pruneconf):
    done = pruneconf("lint", "--diff", "train.py")
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line[:1] in "+-"] == [
        "--- train.py",
        "+++ train.py",
        *(
            f"{sign}{line}"
            for i in (6, 19)
            for sign, text in (("-", TRAIN), ("+", SAFE))
            for line in text.splitlines()[i : i + 1]
        ),
    ]
    done = pruneconf("lint", "--fix", "train.py")
    assert (done.returncode, train.read_text(encoding="utf-8")) == (1, SAFE)
    assert done.stderr == "pruneconf: fixed 5 findings in `train.py`\n"
    done = pruneconf("lint", "--fix", "--unsafe-fixes", "--strict", "train.py")
    assert (done.returncode, train.read_text(encoding="utf-8")) == (0, ALL)
    assert "2 suppressed" not in done.stderr
    assert pruneconf("lint", "--fix", "-", "--stdin-filename", "train.py", stdin=TRAIN).stdout == SAFE


def test_one_list_of_a_file_is_fixed_alone(train, pruneconf):
    pruneconf("lint", "--fix", "train.py#/config_list")
    lines = SAFE.splitlines(keepends=True)[:8] + TRAIN.splitlines(keepends=True)[8:]
    assert train.read_text(encoding="utf-8") == "".join(lines)


def test_line_breaks_and_byte_order_marks_stay(train, pruneconf):
    train.write_bytes(TRAIN.replace("\n", "\r\n").encode("utf-8-sig"))
    pruneconf("lint", "--fix", "train.py")
    assert train.read_bytes() == SAFE.replace("\n", "\r\n").encode("utf-8-sig")


def test_added_comments_silence_what_is_found_in_every_list(train, pruneconf):
    done = pruneconf("lint", "--add-ignores", "train.py")
    assert done.returncode == 0
    text = train.read_text(encoding="utf-8")
    assert "0.5},   # é: all  # pruneconf: ignore[PC110, PC601]\n" in text
    assert "0.5}])  # pruneconf: ignore[PC101, PC102, PC108]\n" in text
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(TRAIN))
    assert pruneconf("lint", "--strict", "train.py").returncode == 0


def test_a_baseline_tells_the_lists_of_a_file_apart(train, tmp_path, pruneconf):
    pruneconf("lint", "--baseline", "known.json", "train.py")
    known = json.loads((tmp_path / "known.json").read_text())["findings"]
    assert known["train.py#/config_list"] == {"PC110": 1, "PC601": 1}
    assert sorted(known) == ["train.py#/config_list", "train.py#/config_list.2"]
    assert pruneconf("lint", "--strict", "--baseline", "known.json", "train.py").returncode == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# pruneconf: ignore[PC601]\na = [{'op_types': ['x'], 'sparsity': 0.5}]\n", []),
        ("# pruneconf: ignore[PC601]\nself.a = f(1, b=[{'op_types': ['x'], 'sparsity': 0.5}])\n", []),
        ("a = [  # pruneconf: ignore[PC601]\n {'op_types': ['x'], 'sparsity': 0.5}]\n", ["PC601 2", "PC901 1"]),
        ("a = [\n # pruneconf: ignore[PC601]\n {'op_types': ['x'],\n  'sparsity': 0.5}]\n", []),
        ("a = [{'op_types': ['x'],\n  # pruneconf: ignore[PC601]\n  'sparsity': 0.5}]\n", []),
        ("a = [{'op_types': ['# pruneconf: ignore[PC601]'], 'sparsity': 0.5}]\n", ["PC601 1"]),
        ("import x\n# pruneconf: ignore-file[PC601]\na = [{'op_types': ['x'], 'sparsity': 0.5}]\n", []),
        ("a = [{'op_types': ['x'], 'sparsity': 0.5}]\n# pruneconf: ignore-file[PC601]\n", ["PC601 1", "PC901 2"]),
        ("# pruneconf: ignore-file[PC601]\na = [{'op_types': ['x'], 'exclude': True}]\n", ["PC901 1"]),
        ("# pruneconf: ignore[PC601]\ndef f():\n  a = [{'op_types': ['x'], 'exclude': True}]\n", ["PC901 1"]),
        ("# pruneconf: ignore[PC1]\na = [{'exclude': True, 'op_types': ['x']}]\nb = a + [{'exclude': True, 'op_types': ['x']}]\n", ["PC902 1"]),
        ("a = [{'exclude': True, 'op_types': ['x']}]\nb = [{'exclude': True, 'op_types': ['x']}]  # pruneconf: ignore[PC1, PC110]\n", ["PC901 2", "PC902 2"]),
    ],
)  # fmt: skip
def test_what_comments_hold_for(tmp_path, pruneconf, text, expected):
    (tmp_path / "cfg.py").write_text(text)
    found = json.loads(pruneconf("lint", "--format", "json", "cfg.py").stdout)["findings"]
    assert sorted(f"{one['code']} {one['start']['line']}" for one in found) == expected


@given(configs.filter(lambda data: isinstance(data, list)), st.booleans(), st.booleans())
def test_a_list_in_python_is_mended_as_it_is_in_json(data, unsafe, on_lines):
    source = json.dumps(data, indent=1 if on_lines else None, ensure_ascii=False)
    literals = repr(data) if not on_lines else _python(data, "")
    head, tail = "import é; rest = [1, 1]\nconfig = ", "  # pruneconf is run on this\nlast = {'a': 1, 'a': 2}\n"
    in_json, in_python = (
        read_config(parse(source, "a.json")),
        read_config(parse(head + literals + tail, "a.py"), ("config",)),
    )
    if not in_python.is_there or plain(in_python.document.find(("config",))) != data:
        return  # in Python, a list of dicts may stand in another list

    def wanted(finding):
        return unsafe or finding.fix.safe

    mended = [mend(reading, examine, wanted) for reading in (in_json, in_python)]
    after = mended[1].reading.document
    assert after.text.startswith(head)
    assert after.text.endswith(tail)
    ast.parse(after.text)
    assert _alike(plain(after.find(("config",)))) == _alike(plain(mended[0].reading.document.root))


def _alike(data):
    """The data as text; a constant that is quoted for a name is spelt otherwise in Python."""
    return json.dumps(data).replace('"True"', '"true"').replace('"False"', '"false"').replace('"None"', '"null"')


def _python(data, indent):
    """A list or dict over many lines, as formatters write it."""
    inner = indent + "    "
    if isinstance(data, dict) and data:
        return (
            "{\n" + "".join(f"{inner}{key!r}: {_python(value, inner)},\n" for key, value in data.items()) + indent + "}"
        )
    if isinstance(data, list) and data:
        return "[\n" + "".join(f"{inner}{_python(value, inner)},\n" for value in data) + indent + "]"
    return repr(data)
