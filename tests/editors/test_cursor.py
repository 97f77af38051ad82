"""What language servers do with the schema of a model, at the cursor: what is offered, what it inserts, what is said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pruneconf.document import parse
from tests.conftest import Run
from tests.editors.conftest import names_of, write_graph
from tests.editors.lsp import Client, at
from tests.schema.names import ODD

YAML = ["yaml-language-server", "yaml-language-server-1.25"]
LINE = "# yaml-language-server: $schema=./m.json\n"


@pytest.fixture
def schema(tmp_path: Path, pruneconf: Run) -> Callable[..., None]:
    """Write `m.json`, the schema of a model with layers of these names."""

    def write(names: list[str], flavour: str, *options: object) -> None:
        graph = write_graph(tmp_path / "net.graph.json", names)
        done = pruneconf("schema", "--model", graph.name, "--for", flavour, "-o", "m.json", *options)
        assert done.returncode == 0, done.stderr

    return write


def offered(client: Client, file: Path, marked: str) -> list[str]:
    """The texts that are inserted at the mark, in the order in which an editor lists them, without snippet escapes."""
    text, position = at(marked)
    items = client.completion(client.open(file, text), position)
    items.sort(key=lambda item: item.get("sortText") or "")
    texts = (item.get("textEdit", {}).get("newText") or item.get("insertText") or item["label"] for item in items)
    return [re.sub(r"\\([\\$}])", r"\1", text) for text in texts]


def messages(client: Client, file: Path, text: str) -> list[str]:
    return [found["message"] for found in client.diagnostics(client.open(file, text))]


def read(text: str) -> Any:
    """The value of a YAML text of one scalar."""
    return parse(text, "x.yaml").root.value


def files(folder: Path, ending: str) -> Iterator[Path]:
    return (folder / f"{number}{ending}" for number in range(10_000))


@pytest.mark.parametrize("server", YAML)
@pytest.mark.parametrize(
    ("count", "options"), [(100, ()), (1_000, ()), (10_000, ()), (10_000, ("--max-names", 10_000))]
)
def test_yaml_offers_every_layer_in_model_order(
    tmp_path: Path, start: Any, schema: Any, server: str, count: int, options: tuple[object, ...]
) -> None:
    names = names_of(count)
    schema(names, "yaml", *options)
    client, file = start(server), files(tmp_path, ".yaml")
    shown = names if options else names[:2_000]
    for marked in ("- op_names: [<|>]\n", f"- op_names: [{names[0]}, <|>]\n", "- op_names:\n    - <|>\n"):
        assert [read(text) for text in offered(client, next(file), LINE + marked)] == shown
    some = names[:: len(names) // 100]
    everything = "\n".join(["- op_names:", *(f"    - {name}" for name in some), "  exclude: true\n"])
    assert messages(client, next(file), LINE + everything) == []
    assert offered(client, next(file), f"{LINE}- op_types: [<|>]\n") == ["Linear", "LayerNorm", "Conv2d"]
    prefixes = offered(client, next(file), f"{LINE}- op_partial_names: [<|>]\n")
    assert prefixes[:3] == ["encoder.", "encoder.layers.", "encoder.layers.0."]


@pytest.mark.parametrize("server", YAML)
def test_yaml_explains_one_layer_and_refuses_in_one_line(tmp_path: Path, start: Any, schema: Any, server: str) -> None:
    names = names_of(1_000)
    schema(names, "yaml")
    client, file = start(server), files(tmp_path, ".yaml")
    rest = "  sparsity_per_layer: 0.5\n"
    text, position = at(f"{LINE}- op_names: [encoder.layers.7.<|>norm]\n{rest}")
    uri = client.open(next(file), text)
    hover = client.hover(uri, position)
    assert hover.startswith("#### Pruning of Net\n\n`encoder.layers.7.norm`\n\n`LayerNorm` `64`, **64** weights\n")
    assert len(hover) < 250
    text, position = at(f"{LINE}- op_types: [Con<|>v2d]\n{rest}")
    assert "200 layers, **7,372,800** weights" in client.hover(client.open(next(file), text), position)
    uri = client.open(next(file), f"{LINE}- op_names: [encoder.layers.7.nrom]\n{rest}")
    (found,) = client.diagnostics(uri)
    assert found["message"] == "no layer of `Net` has this name"
    assert found["range"] == {"start": {"line": 1, "character": 13}, "end": {"line": 1, "character": 34}}
    assert client.actions(uri, [found]) == []
    assert messages(client, next(file), f"{LINE}- op_types: [conv2d]\n{rest}") == ["no layer of `Net` has this type"]
    (said,) = messages(client, next(file), f"{LINE}- op_names: [0]\n{rest}")
    assert said.startswith("expected the name of a layer; quote a name that looks like a number")


@pytest.mark.parametrize("server", YAML)
def test_yaml_quotes_what_has_to_be(tmp_path: Path, start: Any, schema: Any, server: str) -> None:
    schema(ODD, "yaml")
    client, file = start(server), files(tmp_path, ".yaml")
    texts = offered(client, next(file), f"{LINE}- op_names: [<|>]\n")
    assert [read(text) for text in texts] == ODD
    flow = f"- op_names: [{', '.join(texts)}]\n  exclude: true\n"
    block = "\n".join(["- op_names:", *(f"    - {text}" for text in texts), "  exclude: true\n"])
    assert messages(client, next(file), LINE + flow) == []
    assert messages(client, next(file), LINE + block) == []
    for name, text in zip(ODD, texts, strict=True):
        marked, position = at(f"{LINE}- op_names: [<|>{text}]\n  exclude: true\n")
        assert f"`{name}`" in client.hover(client.open(next(file), marked), position)


@pytest.mark.parametrize("server", YAML)
def test_yaml_offers_a_whole_sub_config_in_an_empty_file(tmp_path: Path, start: Any, schema: Any, server: str) -> None:
    schema(names_of(10), "yaml")
    client = start(server)
    snippets = offered(client, tmp_path / "0.yaml", f"{LINE}<|>")
    assert snippets[0] == "- op_names:\n    - ${1:encoder.layers.0.conv\n  exclude: true".replace("conv\n", "conv}\n")
    for number, snippet in enumerate(snippets, 1):
        text = re.sub(r"\$\{\d+:([^}]*)\}", r"\1", snippet)
        assert messages(client, tmp_path / f"{number}.yaml", f"{LINE}{text}\n") == []


@pytest.mark.parametrize("count", [100, 1_000, 10_000])
def test_json_offers_every_layer(tmp_path: Path, start: Any, schema: Any, count: int) -> None:
    names = names_of(count)
    schema(names, "json", "--max-names", 10_000)
    client, file = start("json", {"m.json": ["*.prune.json"]}), files(tmp_path, ".prune.json")
    for marked in ('[{"op_names": [<|>]}]', '[{"op_names": ["enc<|>"]}]', f'[{{"op_names": ["{names[0]}", <|>]}}]'):
        assert {json.loads(text) for text in offered(client, next(file), marked)} >= set(names)
    assert messages(client, next(file), json.dumps([{"op_names": names, "exclude": True}])) == []
    text, position = at('[{"op_names": ["encoder.layers.7.<|>norm"], "exclude": true}]')
    assert "`LayerNorm` `64`, **64** weights" in client.hover(client.open(next(file), text), position)
    (said,) = messages(client, next(file), '[{"op_names": ["nope"], "exclude": true}]')
    assert said == "no layer of `Net` has this name"
    assert offered(client, next(file), '[{"op_types": [<|>]}]') == ['"Linear"', '"LayerNorm"', '"Conv2d"']
    assert '"encoder.layers."' in offered(client, next(file), '[{"op_partial_names": [<|>]}]')
    assert offered(client, next(file), "<|>")[0].startswith("[\n")
    assert offered(client, next(file), "[<|>]")[0].startswith("{\n")


def test_json_escapes_what_has_to_be(tmp_path: Path, start: Any, schema: Any) -> None:
    schema(ODD, "json")
    client = start("json", {"m.json": ["*.prune.json"]})
    assert messages(client, tmp_path / "0.prune.json", json.dumps([{"op_names": ODD, "exclude": True}])) == []


def test_a_schema_that_offers_some_checks_all(tmp_path: Path, start: Any, schema: Any) -> None:
    names = names_of(50)
    schema(names, "json", "--max-names", 5)
    client = start("json", {"m.json": ["*.prune.json"]})
    assert [json.loads(text) for text in offered(client, tmp_path / "0.prune.json", '[{"op_names": [<|>]}]')] == names[
        :5
    ]
    assert messages(client, tmp_path / "1.prune.json", json.dumps([{"op_names": names, "exclude": True}])) == []
    assert messages(client, tmp_path / "2.prune.json", '[{"op_names": ["x"], "exclude": true}]') == [
        "no layer of `Net` has this name"
    ]
