"""How tests of rules lint a text, and keep what a user would see of it."""

import pytest
from layers import graph_of
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from pruneconf.config import read_config
from pruneconf.document import parse
from pruneconf.output.text import render
from pruneconf.plan import resolve
from pruneconf.rules import lint
from pruneconf.rules.engine import weighed


class TextFile(SingleFileSnapshotExtension):
    """One text file for each snapshot."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def snapshot(snapshot):
    return snapshot.use_extension(TextFile)


@pytest.fixture(scope="session")
def findings():
    """The findings of a config text; with a layers block, against that model, and with what is masked there."""

    def findings(text, layers=None, name="config.yaml", pruner="level", masked=None):
        reading, graph = read_config(parse(text, name)), graph_of(layers) if layers else None
        found = lint(reading, graph, pruner)
        if masked is not None:
            counts = {layer: int(count) for layer, count in map(str.split, masked.splitlines())}
            found += weighed(reading, resolve(reading.config, graph, pruner=pruner), counts)
        return found

    return findings


@pytest.fixture(scope="session")
def shown(findings):
    """What a user sees of all the findings of a config text."""

    def shown(text, layers=None, name="config.yaml", pruner="level"):
        return render(findings(text, layers, name, pruner), lambda text, style: text)

    return shown


@pytest.fixture(scope="session")
def wrong(findings):
    """What a user sees that is wrong: all findings but those that only compare with NNI."""

    def wrong(text, layers=None, pruner="level"):
        found = findings(text, layers, pruner=pruner)
        return render([finding for finding in found if finding.rule.code != "PC606"], lambda text, style: text)

    return wrong
