"""Configs as they should be, on models as they are: no rule says anything, infos included, but that NNI differs."""

import re
from pathlib import Path

import pytest

GOOD = sorted((Path(__file__).parent / "good").glob("*.md"))


@pytest.mark.parametrize("path", GOOD, ids=[path.stem for path in GOOD])
def test_silence(path, wrong):
    text = path.read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    (pruner,) = re.findall(r"^With `--pruner (\w+)`\.$", text, re.MULTILINE) or ["level"]
    assert wrong(blocks["yaml"], blocks["layers"], pruner=pruner) == ""
