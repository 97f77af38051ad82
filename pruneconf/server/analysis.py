"""What is known of one version of a config: the same that the command line would find."""

from __future__ import annotations

from typing import NamedTuple

from pruneconf.config import Reading, read_config
from pruneconf.document import Document
from pruneconf.document.nodes import Sequence
from pruneconf.findings import Finding
from pruneconf.plan import Plan
from pruneconf.rules.choose import Chosen, chooser
from pruneconf.rules.engine import Examined, examine
from pruneconf.server.models import Known
from pruneconf.settings import Settings

STALE = "PC903"
_WITHOUT_MODEL = frozenset({"text", "schema"})


class Analysis(NamedTuple):
    """One text, examined. `plan` is None without a model or a valid config."""

    document: Document
    reading: Reading
    findings: list[Finding]
    plan: Plan | None

    def sub_config_at(self, offset: int) -> int | None:
        """The index of the sub-config at an offset."""
        root = self.document.find(self.reading.path)
        items = root.items if isinstance(root, Sequence) else ()
        return next((i for i, item in enumerate(items) if item.start <= offset <= item.end), None)


class Examiner(NamedTuple):
    """How the configs of a project are examined; `known` is their model, None where it is not known."""

    settings: Settings
    known: Known | None

    @property
    def chosen(self) -> Chosen:
        """Which rules are wanted."""
        return chooser(self.settings.select, self.settings.ignore)

    def analyse(self, document: Document) -> Analysis:
        """Read and examine a text."""
        reading = read_config(document)
        examined = self.examine(reading)
        chosen = self.chosen
        findings = [finding for finding in examined.findings if chosen(finding.rule)]
        return Analysis(document, reading, findings, examined.plan)

    def examine(self, reading: Reading) -> Examined:
        """What the rules find, as severe as the project takes it.

        Of a model that has changed since its graph was made only that is said: what else there is to say about it may
        be wrong.
        """
        known, applied = self.known, self.settings.applied
        if known is None:
            examined = examine(reading)
        else:
            examined = examine(reading, known.graph, self.settings.pruner, known.selection)
        found = examined.findings
        if known and known.graph.changed:
            found = [one for one in found if one.rule.needs in _WITHOUT_MODEL or one.rule.code == STALE]
        return Examined(applied(found), applied(examined.suppressed), examined.stages, examined.plan)
