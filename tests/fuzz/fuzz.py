"""Fuzz documents and fixes, guided by coverage: `make fuzz` (Linux), not part of `make test`.

Whatever the bytes, reading, linting and fixing them ends with findings, or with an error in a sentence, and soon (what is
traced for coverage runs ten times slower). Fixes leave a text that parses and are done when they say so.
A crash is written to a file that `python tests/fuzz/fuzz.py FILE` runs again.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from time import process_time

import atheris

with atheris.instrument_imports(include=["pruneconf"]):
    from pruneconf.config import Reading, read_configs
    from pruneconf.document import Document, parse, plain
    from pruneconf.document.comments import comments
    from pruneconf.document.skim import skim
    from pruneconf.errors import PruneconfError
    from pruneconf.findings import Severity
    from pruneconf.graph import Layer, ModelGraph
    from pruneconf.output.style import plain as unpainted
    from pruneconf.output.text import render
    from pruneconf.rules.comments.ignores import silence
    from pruneconf.rules.engine import Examined, examine
    from pruneconf.rules.mend import mend
    from pruneconf.rules.registry import all_rules

    # what is imported only where it is needed would be traced no more then
    for _module in (
        "config.check",
        "config.python",
        "document.json",
        "document.python",
        "document.syntax",
        "document.yaml",
    ):
        import_module(f"pruneconf.{_module}")
    all_rules()

NAMES = {b"[": "config.json", b"{": "config.json", b"config": "config.py", b"import": "config.py"}
"""How a text begins that is not taken for YAML."""
GRAPH = ModelGraph(
    "model.py",
    "Net",
    tuple(
        Layer(name, kind, shape, "float32", f"{name}.weight")
        for name, kind, shape in (
            ("conv1", "Conv2d", (8, 3, 3, 3)),
            ("layer1.0.conv1", "Conv2d", (8, 8, 3, 3)),
            ("layer1.1.bn1", "BatchNorm2d", (8,)),
            ("fc", "Linear", (10, 8)),
        )
    ),
)
SECONDS, SECONDS_A_BYTE = 5, 20 / 1_000_000


def examined(reading: Reading) -> Examined:
    """The findings against a model."""
    return examine(reading, GRAPH)


def one_input(data: bytes) -> None:
    """Read, lint, show, fix and silence what the bytes hold."""
    name = next((name for start, name in NAMES.items() if data.startswith(start)), "config.yaml")
    start = process_time()
    with suppress(PruneconfError):  # a sentence for the user
        _document(parse(data, name))
    taken = process_time() - start
    assert taken < SECONDS + SECONDS_A_BYTE * len(data), f"{taken:.2f} s for {len(data)} bytes"


def _document(document: Document) -> None:
    comments(document)
    if document.is_yaml and (data := skim(document.text)):
        assert document.root is not None
        assert plain(document.root) == data
        assert not document.problems
    for reading in read_configs(document):
        for finding in (found := examined(reading).findings):
            assert 0 <= finding.place.start <= finding.place.end <= len(document.text)
        render(found, unpainted)
        _fixes(reading)


def _fixes(reading: Reading) -> None:
    done = mend(reading, examined)
    if done.fixed:
        assert done.reading.document.root is not None
        again = mend(done.reading, examined)
        assert again.reading.document.text == done.reading.document.text
    silenced = silence(reading, examined, lambda _: True)
    if not reading.document.is_json and not silenced.left_out and silenced.reading.document.root is not None:
        left = [one for one in silenced.examined.findings if one.severity is not Severity.INFO]
        assert all(one.rule.code.startswith("PC9") for one in left)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
