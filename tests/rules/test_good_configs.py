"""Configs as they should be, on models as they are: no rule says anything, warnings and infos included."""

import re
from pathlib import Path

import pytest

GOOD = sorted((Path(__file__).parent / "good").glob("*.md"))


@pytest.mark.parametrize("path", GOOD, ids=[path.stem for path in GOOD])
def test_silence(path, shown):
    blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))
    assert shown(blocks["yaml"], blocks["layers"]) == ""
