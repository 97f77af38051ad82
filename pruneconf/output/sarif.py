"""Findings as SARIF 2.1.0 (OASIS), for code scanning services and editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pruneconf.document import Document
from pruneconf.findings import Finding, Fix, Label, RuleInfo, Severity
from pruneconf.output.places import fingerprints, relative
from pruneconf.output.report import Report
from pruneconf.rules.registry import all_rules
from pruneconf.version import __version__

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/pruneconf/pruneconf"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_ROOT = "%SRCROOT%"


def write(report: Report) -> str:
    """The log of one run. Columns count UTF-16 code units, as the readers do that do not look at `columnKind`."""
    rules = [rule.info for rule in all_rules()]
    index = {rule.code: i for i, rule in enumerate(rules)}
    results = [
        _result(finding, index[finding.rule.code], print_)
        for finding, print_ in zip(report.findings, fingerprints(report.findings), strict=True)
    ]
    driver = {
        "name": "pruneconf",
        "semanticVersion": __version__,
        "informationUri": HOME,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "the folder in which pruneconf was run"}}},
        "artifacts": [{"location": _artifact(file)} for file in report.files],
        "columnKind": "utf16CodeUnits",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _rule(rule: RuleInfo) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.doc, "markdown": rule.doc},
        "helpUri": rule.url,
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.needs]},
    }


def _result(finding: Finding, rule_index: int, fingerprint: str) -> dict[str, Any]:
    text = f"{finding.message}; {finding.help}" if finding.help else finding.message
    result: dict[str, Any] = {
        "ruleId": finding.rule.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [_location(finding.place)],
        "partialFingerprints": {"ruleAndLine/v1": fingerprint},
    }
    if finding.related:
        result["relatedLocations"] = [{"id": i, **_location(label)} for i, label in enumerate(finding.related)]
    if finding.layers:
        result["properties"] = {"layers": list(finding.layers)}
    if finding.fix:
        result["fixes"] = [_fix(finding.fix, finding.place.document)]
    return result


def _location(label: Label) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": _artifact(label.document.name),
            "region": _region(label.document, label.start, label.end),
        },
        "logicalLocations": [{"fullyQualifiedName": label.pointer or "/"}],
    }
    if label.message:
        location["message"] = {"text": label.message}
    return location


def _artifact(name: str) -> dict[str, str]:
    path = relative(name)
    if Path(path).is_absolute():
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(path), "uriBaseId": _ROOT}


def _region(document: Document, start: int, end: int) -> dict[str, int]:
    (line, column), (end_line, end_column) = (_utf_16(document, at) for at in (start, end))
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _utf_16(document: Document, offset: int) -> tuple[int, int]:
    """A line and column, where characters beyond U+FFFF count twice."""
    line, column = document.position(offset)
    before = document.line(line)[: column - 1]
    return line, column + sum(char > "\uffff" for char in before)


def _fix(fix: Fix, document: Document) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(document, edit.start, edit.end), "insertedContent": {"text": edit.text}}
        for edit in fix.edits
    ]
    change = {"artifactLocation": _artifact(document.name), "replacements": replacements}
    return {"description": {"text": fix.title}, "artifactChanges": [change]}
