"""What a rule says: a finding, its places, and the edit that mends it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pruneconf.document import Document
from pruneconf.document.edits import Edit

DOCS_URL = "https://pruneconf.github.io/pruneconf/rules"


class Severity(StrEnum):
    """How bad a finding is; only errors fail a run (with `--strict`, warnings too)."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class RuleInfo(NamedTuple):
    """The identity of a rule: `PC201`, `unknown-op-name`, its default severity and its documentation (Markdown).

    `needs` is what it reads: `text`, `schema`, `model` (names, types and shapes of the layers), `plan` (what
    happens to each layer), `graph` (the traced forward pass) or `weights` (how they rank). `fix` is `safe`, `unsafe` or
    None.
    """

    code: str
    name: str
    severity: Severity
    needs: str
    fix: str | None
    doc: str

    @property
    def summary(self) -> str:
        """The first sentence of the documentation."""
        return self.doc.partition("\n")[0]

    @property
    def url(self) -> str:
        """The page that documents the rule."""
        return f"{DOCS_URL}/{self.name}/"


class Label(NamedTuple):
    """A stretch of a document, [start, end) in code points, and what there is to say about it."""

    document: Document
    pointer: str
    start: int
    end: int
    message: str = ""


class Fix(NamedTuple):
    """Edits that mend a finding. A safe fix keeps what the config means."""

    title: str
    safe: bool
    edits: tuple[Edit, ...]


class Finding(NamedTuple):
    """One fault, at one place, in one sentence; `help` says what to do about it."""

    rule: RuleInfo
    severity: Severity
    message: str
    place: Label
    help: str | None = None
    related: tuple[Label, ...] = ()
    layers: tuple[str, ...] = ()
    fix: Fix | None = None
