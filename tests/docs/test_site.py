"""The documentation site: it builds without a warning, hangs together, and stands where addresses in reports lead."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pruneconf.rules.registry import all_rules

ROOT = Path(__file__).parents[2]
HOME = "/pruneconf/"


def run(*arguments: object) -> str:
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # not with --quiet, which hides warnings from --strict too
    built = run("-m", "mkdocs", "build", "--strict", "-f", ROOT / "docs" / "maker" / "mkdocs.yml", "-d", folder)
    assert built.startswith("0\n"), built
    return folder


def test_nothing_leads_nowhere_or_is_loaded_from_elsewhere(site: Path) -> None:
    assert run(ROOT / "docs" / "maker" / "links.py", site) == "0\n"


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<h2 id="here"><a href="#here">a</a><a href="#there">b</a><a href="gone/">c</a><a href="https://x.example">d</a>'
        '<script src="https://x.example/a.js"></script>'
    )
    assert run(ROOT / "docs" / "maker" / "links.py", tmp_path) == (
        "1\n: loads https://x.example/a.js from elsewhere\n: #there leads nowhere\n: gone/ leads nowhere\n"
    )


def test_addresses_of_rules_and_schemas_are_on_it(site: Path) -> None:
    pages = [f"{rule.info.url}/index.html" for rule in all_rules()]
    schemas = [json.loads(path.read_text())["$id"] for path in (ROOT / "schema").glob("*.json")]
    paths = [urlsplit(address).path.removeprefix(HOME) for address in pages + schemas]
    assert [path for path in paths if not (site / path).is_file()] == []
