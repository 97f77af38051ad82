"""Findings as data (schema/findings-v1.schema.json)."""

from __future__ import annotations

from typing import Any

from pruneconf.document import Document
from pruneconf.findings import Finding, Fix, Label, Severity
from pruneconf.output.report import Report


def write(report: Report) -> str:
    """The findings of a run, as JSON."""
    import json

    return json.dumps(_run(report), indent=1, ensure_ascii=False) + "\n"


def _run(report: Report) -> dict[str, Any]:
    severities = [finding.severity for finding in report.findings]
    return {
        "format": 1,
        "findings": [_finding(finding) for finding in report.findings],
        "summary": {
            "files": len(report.files),
            "errors": severities.count(Severity.ERROR),
            "warnings": severities.count(Severity.WARNING),
            "infos": severities.count(Severity.INFO),
            "suppressed": report.suppressed,
            "fixable": sum(finding.fix is not None for finding in report.findings),
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "code": finding.rule.code,
        "rule": finding.rule.name,
        "severity": finding.severity.value,
        "message": finding.message,
        **_place(place),
        "layers": list(finding.layers),
        "help": finding.help,
        "related": [{"message": label.message, **_place(label)} for label in finding.related],
        "fix": _fix(finding.fix, place.document) if finding.fix else None,
        "url": finding.rule.url,
    }


def _place(label: Label) -> dict[str, Any]:
    return {
        "file": label.document.name,
        "pointer": label.pointer,
        **_range(label.document, label.start, label.end),
    }


def _range(document: Document, start: int, end: int) -> dict[str, Any]:
    return {"start": document.position(start)._asdict(), "end": document.position(end)._asdict()}


def _fix(fix: Fix, document: Document) -> dict[str, Any]:
    edits = [{**_range(document, edit.start, edit.end), "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "safe": fix.safe, "edits": edits}
