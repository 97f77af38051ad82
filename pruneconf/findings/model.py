"""What a rule says: a finding, its places, and the edit that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pruneconf.document import Document

DOCS_URL = "https://pruneconf.github.io/pruneconf/rules"


class Severity(StrEnum):
    """How bad a finding is; only errors fail a run (with `--strict`, warnings too)."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """The identity of a rule: `PC201`, `unknown-op-name`, its default severity and its documentation (Markdown).

    `needs` is what it reads: `text`, `schema`, `model` (names, types and shapes of the layers), `plan` (what
    happens to each layer) or `graph` (the traced forward pass). `fix` is `safe`, `unsafe` or None.
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


@dataclass(frozen=True, slots=True)
class Label:
    """A stretch of a document, [start, end) in code points, and what there is to say about it."""

    document: Document
    pointer: str
    start: int
    end: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text in [start, end) by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that mend a finding. A safe fix keeps what the config means."""

    title: str
    safe: bool
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, at one place, in one sentence; `help` says what to do about it."""

    rule: RuleInfo
    severity: Severity
    message: str
    place: Label
    help: str | None = None
    related: tuple[Label, ...] = ()
    layers: tuple[str, ...] = ()
    fix: Fix | None = None
