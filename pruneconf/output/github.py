"""Findings as workflow commands of GitHub Actions, which shows them beside the lines of a pull request."""

from __future__ import annotations

from collections import Counter

from pruneconf.findings import Finding, Severity
from pruneconf.output.places import relative
from pruneconf.output.report import Report

SHOWN = 10
"""Annotations of one kind that GitHub shows for a step; it drops the others without a word."""
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def write(report: Report) -> str:
    """A command for each finding and, where GitHub will not show them all, a line of the log that says so."""
    kinds = Counter(_COMMANDS[finding.severity] for finding in report.findings)
    lines = [_command(finding) for finding in report.findings]
    lines += [
        f"pruneconf: GitHub shows {SHOWN} of these {count} annotations ({kind}); this log has them all"
        for kind, count in kinds.items()
        if count > SHOWN
    ]
    return "".join(f"{line}\n" for line in lines)


def _command(finding: Finding) -> str:
    start, end = (finding.place.document.position(at) for at in (finding.place.start, finding.place.end))
    place = {"file": relative(finding.place.document.name), "line": start.line, "endLine": end.line}
    if start.line == end.line:  # with columns over several lines GitHub refuses the annotation
        place |= {"col": start.column, "endColumn": end.column}
    place["title"] = f"{finding.rule.code} {finding.rule.name}"
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in place.items())
    message = f"{finding.message}\nhelp: {finding.help}" if finding.help else finding.message
    return f"::{_COMMANDS[finding.severity]} {properties}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
