"""`pruneconf schema --model` and `pruneconf init --editor` from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from pruneconf.output.merge import merged
from tests.conftest import Run

WRITTEN = {
    "vscode": [".vscode/settings.json", ".vscode/extensions.json", "pruneconf.yaml"],
    "neovim": [".nvim.lua", "pruneconf.yaml"],
    "jetbrains": [".idea/jsonSchemas.xml", "pruneconf.yaml"],
}


@pytest.mark.parametrize("flavour", ["yaml", "json", "jetbrains"])
def test_schema_of_a_model(here: Path, pruneconf: Run, snapshot: SnapshotAssertion, flavour: str) -> None:
    done = pruneconf("schema", "--model", "net.graph.json", "--for", flavour)
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    names = {name: schema["definitions"][name] for name in ("op_name", "op_type", "op_partial_name")}
    assert json.dumps({"title": schema["title"], "snippets": schema["defaultSnippets"], **names}, indent=1) == snapshot
    to_file = pruneconf("schema", "--model", "net.graph.json", "--for", flavour, "-o", "m.json")
    assert (to_file.stdout, to_file.stderr) == ("", "pruneconf: wrote m.json\n")
    assert (here / "m.json").read_text() == done.stdout


def test_more_layers_than_are_offered(here: Path, pruneconf: Run) -> None:
    done = pruneconf("schema", "--model", "net.graph.json", "--max-names", "3")
    assert done.stderr == (
        "pruneconf: the model has 6 layers, of which the first 3 are offered: `--max-names` sets that number\n"
    )


@pytest.mark.parametrize("arguments", [["--for", "yaml"], ["--max-names", "3"], ["--input", "1x3"]])
def test_options_of_a_model_need_one(pruneconf: Run, arguments: list[str]) -> None:
    done = pruneconf("schema", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pruneconf: `--for`, `--max-names` and `--input` are about a model: name it with `--model`\n"


@pytest.mark.parametrize("editor", WRITTEN)
def test_init_sets_an_editor_up(here: Path, pruneconf: Run, snapshot: SnapshotAssertion, editor: str) -> None:
    done = pruneconf("init", "net.graph.json", "--editor", editor)
    assert done.returncode == 0, done.stderr
    files = {name: (here / name).read_text() for name in WRITTEN[editor]}
    assert "\n".join([done.stderr, *(f"=== {name}\n{text}" for name, text in files.items())]) == snapshot
    assert pruneconf("lint", "--strict", "net.graph.json", "pruneconf.yaml").stdout.startswith("nothing wrong")
    again = pruneconf("init", "net.graph.json", "--editor", editor)
    assert re.sub("needs no change", "", again.stderr).count("`") == 2 * again.stderr.count("needs no change")
    assert {name: (here / name).read_text() for name in WRITTEN[editor]} == files


def test_init_adds_to_what_is_there(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    settings = """\
{
  // how we like it
  "editor.tabSize": 2, /* two */
  "yaml.schemas": {
    "./other.json": ["*.other.yaml"], // theirs
  },
}
"""
    (here / ".vscode").mkdir()
    (here / ".vscode" / "settings.json").write_text(settings)
    (here / ".vscode" / "extensions.json").write_text('{"recommendations": ["ms-python.python"]}\n')
    config = "\ufeff- op_types: [Conv2d]\r\n  sparsity_per_layer: 0.5\r\n"
    (here / "pruneconf.yaml").write_bytes(config.encode())
    done = pruneconf("init", "net.graph.json", "--editor", "vscode")
    assert done.returncode == 0, done.stderr
    assert (here / ".vscode" / "settings.json").read_text() == snapshot
    assert json.loads((here / ".vscode" / "extensions.json").read_text()) == {
        "recommendations": ["redhat.vscode-yaml", "ms-python.python"]
    }
    line = "# yaml-language-server: $schema=./.pruneconf/pruneconf.yaml.schema.json\r\n"
    assert (here / "pruneconf.yaml").read_bytes().decode() == f"\ufeff{line}{config[1:]}"


def test_init_adds_to_the_mappings_of_jetbrains(here: Path, pruneconf: Run) -> None:
    for name in ("pruneconf.yaml", "configs/other.yaml"):
        (here / "configs").mkdir(exist_ok=True)
        assert pruneconf("init", "net.graph.json", "--editor", "jetbrains", "-o", name).returncode == 0
    root = ET.parse(here / ".idea" / "jsonSchemas.xml").getroot()
    assert [entry.get("key") for entry in root.iter("entry")] == [
        "pruneconf pruneconf.yaml",
        "pruneconf configs/other.yaml",
    ]
    first = (here / "configs" / "other.yaml").read_text().splitlines()[0]
    assert first == "# $schema: ../.pruneconf/other.jetbrains.schema.json"


@pytest.mark.parametrize(
    ("editor", "name", "text", "said"),
    [
        ("vscode", ".vscode/settings.json", '{\n  "a": tru\n}\n', "`.vscode/settings.json:2:8`: "),
        (
            "vscode",
            ".vscode/settings.json",
            '{"yaml.schemas": "x"}',
            "`.vscode/settings.json:1:18`: expected an object, to add",
        ),
        ("vscode", ".vscode/extensions.json", "[]", "`.vscode/extensions.json:1:1`: expected an object, to add"),
        ("neovim", ".nvim.lua", "local x = 1\nreturn x\n", "`.nvim.lua:2`: nothing can stand behind `return`"),
        ("jetbrains", ".idea/jsonSchemas.xml", "<project />", "`.idea/jsonSchemas.xml:1`: expected a list of schema"),
        ("vscode", ".pruneconf/pruneconf.yaml.schema.json", "{}", "was not written by pruneconf: move it away"),
    ],
)
def test_init_leaves_alone_what_it_cannot_add_to(
    here: Path, pruneconf: Run, editor: str, name: str, text: str, said: str
) -> None:
    (here / name).parent.mkdir(exist_ok=True)
    (here / name).write_text(text)
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    done = pruneconf("init", "net.graph.json", "--editor", editor)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def test_a_config_that_names_a_schema_keeps_it(here: Path, pruneconf: Run) -> None:
    text = "# $schema: ./mine.json\n" + (here / "cfg.yaml").read_text()
    (here / "cfg.yaml").write_text(text)
    assert pruneconf("init", "net.graph.json", "--editor", "vscode", "-o", "cfg.yaml").returncode == 0
    assert (here / "cfg.yaml").read_text() == text


def test_a_schema_older_than_its_model_is_noticed(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    assert pruneconf("init", "model.py", "--editor", "neovim").returncode == 0
    assert pruneconf("trace", "model.py").returncode == 0
    for model in ([], ["model.py"], ["model.graph.json"]):
        assert "PC903" not in pruneconf("lint", *model, "pruneconf.yaml").stdout
    with (here / "model.py").open("a") as file:
        file.write("# changed\n")
    assert pruneconf("lint", "pruneconf.yaml").stdout == snapshot
    assert pruneconf("lint", "model.py", "pruneconf.yaml").stdout.count("PC903]") == 1
    assert pruneconf("lint", "model.graph.json", "pruneconf.yaml").stdout.count("PC903]") == 2
    anew = re.findall(r"`pruneconf (schema .*)`", pruneconf("lint", "pruneconf.yaml").stdout)[0].split()
    assert pruneconf(*anew).returncode == 0
    assert "PC903" not in pruneconf("lint", "model.py", "pruneconf.yaml").stdout


@pytest.mark.parametrize("line", ["# $schema: nowhere.json", "# $schema: model.py", "# $schema: https://x.org/a.json"])
def test_other_schemas_say_nothing(here: Path, pruneconf: Run, line: str) -> None:
    (here / "cfg.yaml").write_text(f"{line}\n" + (here / "cfg.yaml").read_text())
    assert pruneconf("lint", "net.graph.json", "cfg.yaml").stdout.startswith("nothing wrong")


scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "//", "/* */", ",]", 'a"b', "\\"])
keys = st.sampled_from(["a", "b", "c", "// d", ",}"])
texts = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))
wanted = st.dictionaries(keys, st.dictionaries(keys, st.lists(st.sampled_from(["x", "y"]), unique=True)))


@given(
    st.dictionaries(keys, st.dictionaries(keys, st.lists(texts, max_size=3)) | texts),
    wanted,
    st.sampled_from([None, 1, "\t"]),
)
def test_what_is_added_is_there_and_nothing_else_is_lost(there: dict, new: dict, indent: int | str | None) -> None:
    from pruneconf.errors import PruneconfError

    text = json.dumps(there, indent=indent)
    try:
        found = json.loads(merged("s.json", text, new))
    except PruneconfError:
        assert any(not isinstance(there.get(key, {}), dict) for key in new) or any(
            not isinstance(there[key].get(inner, []), list)
            for key, value in new.items()
            if isinstance(there.get(key), dict)
            for inner in value
        )
        return
    assert all(found[key] == value for key, value in there.items() if key not in new)
    for key, value in new.items():
        for inner, items in value.items():
            before = there.get(key, {}).get(inner, [])
            assert [item for item in found[key][inner] if item in before or item not in items] == before
            assert all(item in found[key][inner] for item in items)
