"""Findings as a code quality report of GitLab, which shows what a merge request adds and mends."""

from __future__ import annotations

import json
from hashlib import sha256

from pruneconf.findings import Finding, Severity
from pruneconf.output.places import fingerprints, relative
from pruneconf.output.report import Report

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def write(report: Report) -> str:
    """The report; GitLab wants fingerprints that no two findings of it share."""
    issues = [
        _issue(finding, print_) for finding, print_ in zip(report.findings, fingerprints(report.findings), strict=True)
    ]
    return json.dumps(issues, indent=1, ensure_ascii=False) + "\n"


def _issue(finding: Finding, fingerprint: str) -> dict[str, object]:
    document = finding.place.document
    path = relative(document.name)
    return {
        "check_name": finding.rule.name,
        "description": f"{finding.rule.code}: {finding.message}" + (f"; {finding.help}" if finding.help else ""),
        "severity": _SEVERITIES[finding.severity],
        "fingerprint": sha256(f"{path}\0{fingerprint}".encode(errors="replace")).hexdigest()[:32],
        "location": {"path": path, "lines": {"begin": document.position(finding.place.start).line}},
    }
