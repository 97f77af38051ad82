"""From findings to diagnostics."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types as lsp

from pruneconf.findings import Finding, Severity
from pruneconf.server.positions import Positions

SOURCE = "pruneconf"
_SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.INFO: lsp.DiagnosticSeverity.Information,
}
_TAGS = {
    "PC601": lsp.DiagnosticTag.Deprecated,
    **dict.fromkeys(("PC110", "PC209", "PC301", "PC303", "PC304", "PC402", "PC901"), lsp.DiagnosticTag.Unnecessary),
}
"""Rules about what still works but is to go, and about what does nothing."""


def diagnostic(finding: Finding, uri: str, positions: Positions) -> lsp.Diagnostic:
    """A finding for an editor: the help stands behind the message, on a line of its own."""
    place, rule = finding.place, finding.rule
    return lsp.Diagnostic(
        range=positions.range(place.start, place.end),
        message=f"{finding.message}\n{finding.help}" if finding.help else finding.message,
        severity=_SEVERITIES[finding.severity],
        code=rule.code,
        code_description=lsp.CodeDescription(rule.url),
        source=SOURCE,
        tags=[_TAGS[rule.code]] if rule.code in _TAGS else None,
        related_information=[
            lsp.DiagnosticRelatedInformation(
                lsp.Location(uri, positions.range(label.start, label.end)), label.message or "see here"
            )
            for label in finding.related
        ]
        or None,
    )


def remark(message: str) -> lsp.Diagnostic:
    """Something to say about a whole file, at its first line."""
    start = lsp.Position(0, 0)
    return lsp.Diagnostic(lsp.Range(start, start), message, severity=lsp.DiagnosticSeverity.Information, source=SOURCE)


def diagnostics(
    findings: list[Finding], uri: str, positions: Positions, wanted: Callable[[Finding], bool]
) -> list[lsp.Diagnostic]:
    """The findings that are wanted, as diagnostics."""
    return [diagnostic(finding, uri, positions) for finding in findings if wanted(finding)]
