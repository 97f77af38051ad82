"""What the hand-written pages show is what happens."""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from pruneconf.config import read_config
from pruneconf.document import parse
from pruneconf.rules import lint
from tests.conftest import Run

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    language: str
    title: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in FENCE.findall(page.read_text(encoding="utf-8"))]


def session(text: str) -> list[tuple[str, str]]:
    """The commands of a console block and what each prints."""
    parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_quickstart(tmp_path: Path, pruneconf: Run) -> None:
    for block in blocks(DOCS / "quickstart.md"):
        if block.title:
            (tmp_path / block.title).write_text(block.text)
        for command, expected in session(block.text) if block.language == "console" else ():
            done = pruneconf(*command.split()[1:])
            shown = "".join(f"{line.rstrip()}\n" for line in (done.stderr + done.stdout).splitlines())
            assert shown == expected, command


def test_quickstart_in_python(tmp_path: Path) -> None:
    model, api = (block.text for block in blocks(DOCS / "quickstart.md") if block.language == "python")
    (tmp_path / "model.py").write_text(model)
    (tmp_path / "prune.yaml").write_text("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n")
    subprocess.run([sys.executable, "-c", api], cwd=tmp_path, check=True)
    assert (tmp_path / "tuned" / "model.safetensors").exists()


CONFIGS = [
    pytest.param(block.text, id=f"{page.stem}-{i}")
    for page in sorted(DOCS.glob("*.md"))
    for i, block in enumerate(blocks(page))
    if block.language == "yaml" and "op_" in block.text and not block.title
]


@pytest.mark.parametrize("text", CONFIGS)
def test_configs_are_good(text: str) -> None:
    assert lint(read_config(parse(text, "config.yaml"))) == []
