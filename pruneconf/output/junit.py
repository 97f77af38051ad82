"""Findings as JUnit XML: a test suite for each file, a failed test case for each finding that fails the run."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from pruneconf.findings import Finding, Severity
from pruneconf.output.places import relative
from pruneconf.output.report import Report
from pruneconf.output.style import plain, printable
from pruneconf.output.text import render


def write(report: Report) -> str:
    """The report; findings that fail nothing are test cases that passed and say what they found."""
    failing = {Severity.ERROR, Severity.WARNING} if report.strict else {Severity.ERROR}
    root = ET.Element("testsuites", name="pruneconf")
    for file in report.files:
        cases = [_case(finding, failing) for finding in report.findings if finding.place.document.name == file]
        name = printable(relative(file))
        cases = cases or [ET.Element("testcase", name="nothing wrong", classname=name)]
        failures = sum(case.find("failure") is not None for case in cases)
        suite = ET.SubElement(root, "testsuite", name=name, tests=str(len(cases)), failures=str(failures), errors="0")
        suite.extend(cases)
    for count in ("tests", "failures"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, "unicode")}\n'


def _case(finding: Finding, failing: set[Severity]) -> ET.Element:
    document = finding.place.document
    line, column = document.position(finding.place.start)
    file = printable(relative(document.name))
    name = f"{finding.rule.code} {finding.rule.name} ({line}:{column})"
    case = ET.Element("testcase", name=name, classname=file, file=file, line=str(line))
    fails = finding.severity in failing
    shown = ET.SubElement(case, "failure" if fails else "system-out")
    if fails:
        shown.attrib = {"type": finding.severity.value, "message": printable(finding.message)}
    shown.text = render([finding], plain)
    return case
