"""`report.html` from outside: what it says, that it stands alone, and how a real browser shows it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.conftest import Run

ROOT = Path(__file__).parents[2]
BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
VOID = {"meta", "link", "br"}
CONFIG = """\
- op_types: [Conv2d]
  total_sparsity: 0.6
  max_sparsity_per_layer: 0.625
- op_names: [fc]
  sparsity_per_layer: 0.25
- op_names: [conv1]
  exclude: true
"""
WEIGHTS = """

model = build_model()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_((torch.arange(parameter.numel()) * 37 % 101 / 101 - 0.5).reshape(parameter.shape))
"""
HOSTILE = """\
from torch import nn

model = nn.ModuleDict({"<img src=x onerror=alert(1)>": nn.Linear(8, 8), '"&quot;\\x1b[31m': nn.Linear(8, 8)})
"""


class Page(HTMLParser):
    """The text of a page in lines; fails where tags do not match, or something is loaded."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.lines: list[str] = []
        self.links: list[str] = []
        self.feed(path.read_text("utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert not {"src", "srcset", "onload", "onerror"} & given.keys()
        assert tag not in {"script", "img", "iframe", "object"}
        if tag == "link":
            assert given["href"] == "data:,"
        if tag == "a":
            self.links.append(str(given["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and "style" not in self.open:
            self.lines.append(" ".join(data.split()))


@pytest.fixture
def written(here: Path) -> Path:
    with (here / "model.py").open("a") as file:
        file.write(WEIGHTS)
    (here / "page.yaml").write_text(CONFIG)
    return here


RUNS = {
    "level": ["--masks", "packed"],
    "channels": ["--pruner", "l1", "--masks", "none"],
    "compact": ["--pruner", "l2", "--compact", "--input", "1,1,9,9"],
}


@pytest.mark.parametrize("run", RUNS)
def test_what_it_says(written: Path, pruneconf: Run, snapshot: SnapshotAssertion, run: str) -> None:
    if run != "level":
        (written / "page.yaml").write_text(CONFIG.replace("sparsity_per_layer: 0.25", "exclude: true"))
    done = pruneconf("apply", "model.py:model", "page.yaml", "-o", "out", *RUNS[run])
    assert done.returncode == 0, done.stderr
    page = Page(written / "out" / "report.html")
    files = page.lines.index("Files")
    assert page.lines[:files] == snapshot
    labels = re.findall(r'<span style="left:([\d.]+)%">', (written / "out" / "report.html").read_text())
    assert all(6 < float(place) < 94 for place in labels)
    again = pruneconf(*done.stdout.splitlines()[-1].split()[2:])
    assert again.returncode == 0, again.stdout


def test_it_is_among_the_outputs_that_verify_checks(written: Path, pruneconf: Run) -> None:
    assert pruneconf("apply", "model.py:model", "page.yaml", "-o", "out").returncode == 0
    assert "report.html" in json.loads((written / "out" / "report.json").read_text())["outputs"]
    first = (written / "out" / "report.html").read_bytes()
    assert pruneconf("apply", "model.py:model", "page.yaml", "-o", "out", "--force").returncode == 0
    assert (written / "out" / "report.html").read_bytes() == first
    (written / "out" / "report.html").write_bytes(first + b" ")
    done = pruneconf("verify", "model.py:model", "page.yaml", "out")
    assert done.returncode == 1
    assert "`report.html` is not the file that `report.json` describes" in done.stdout


def test_names_are_text(here: Path, pruneconf: Run) -> None:
    (here / "model.py").write_text(HOSTILE)
    config = here / "<b onclick=x>&amp;.yaml"
    config.write_text("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n")
    done = pruneconf("apply", "model.py", config.name, "-o", "out")
    assert done.returncode == 0, done.stderr
    lines = Page(here / "out" / "report.html").lines
    assert config.name in lines
    assert "<img src=x onerror=alert(1)>" in lines
    assert '"&quot;\\x1b[31m' in lines


@pytest.mark.skipif(BROWSER is None, reason="there is no browser")
def test_in_a_browser(written: Path, pruneconf: Run) -> None:
    text = (written / "model.py").read_text().replace("fc", "a_layer_with_quite_a_long_name_of_its_own_" * 4)
    (written / "model.py").write_text(text)
    (written / "page.yaml").write_text(CONFIG.replace("op_names: [fc]", "op_types: [Linear]"))
    assert pruneconf("apply", "model.py:model", "page.yaml", "-o", "out").returncode == 0
    command = [sys.executable, ROOT / "docs" / "maker" / "look.py", written / "out" / "report.html"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0 faults\n"), done.stdout + done.stderr
