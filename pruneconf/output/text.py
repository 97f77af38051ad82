"""Findings for people: what, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pruneconf.findings import Finding, Label
from pruneconf.output.excerpt import excerpt
from pruneconf.output.style import Link, Paint, printable, unlinked


def render(findings: Iterable[Finding], paint: Paint, link: Link = unlinked) -> str:
    """Findings one after the other, an empty line after each; the codes of rules lead to their pages."""
    return "".join(f"{line}\n" for finding in findings for line in _finding(finding, paint, link))


def _finding(finding: Finding, paint: Paint, link: Link) -> Iterator[str]:
    severity = finding.severity.value
    code = link(paint(f"{severity}[{finding.rule.code}]", severity), finding.rule.url)
    title = f"{code} {finding.rule.name}"
    yield f"{title}: {paint(printable(finding.message), 'strong')}"
    labels = [(finding.place, severity), *((label, "frame") for label in finding.related)]
    gutter = max(len(str(label.document.position(label.start).line)) for label, _ in labels)
    for document in {id(label.document): label.document for label, _ in labels}.values():
        here = [(label, style) for label, style in labels if label.document is document]
        yield f"{'':{gutter}}{paint('-->', 'frame')} {location(here[0][0])}"
        yield from excerpt(document, here, gutter, paint)
    if finding.help:
        yield f"{'':{gutter}} {paint('=', 'frame')} {paint('help', 'help')}: {printable(finding.help)}"
    yield ""


def location(label: Label) -> str:
    """`file:line:column` of a label."""
    line, column = label.document.position(label.start)
    return f"{printable(label.document.name)}:{line}:{column}"
