"""Findings for people: what, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pruneconf.findings import Finding, Label, Severity
from pruneconf.output.excerpt import excerpt
from pruneconf.output.style import Paint, printable


def render(findings: Iterable[Finding], paint: Paint) -> str:
    """Findings one after the other, an empty line after each."""
    return "".join(f"{line}\n" for finding in findings for line in _finding(finding, paint))


def _finding(finding: Finding, paint: Paint) -> Iterator[str]:
    severity = finding.severity.value
    title = f"{paint(f'{severity}[{finding.rule.code}]', severity)} {finding.rule.name}"
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


def summary(findings: Sequence[Finding], files: int, model: str | None, config: str, paint: Paint) -> str:
    """The closing lines: how much was found, and the command to run next."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in findings)
    where = f"in {_count(files, 'file')}" + (f", checked against {model}" if model else "")
    if not findings:
        next_command = f"pruneconf show {model} {config}" if model else f"pruneconf lint MODEL {config}"
        aim = "to see what it will do" if model else "to check it against the model too"
        return f"{paint('nothing wrong', 'help')} {where}\nnext: {next_command}  ({aim})"
    counts = ", ".join(_count(count, noun) for count, noun in ((errors, "error"), (warnings, "warning")) if count)
    head = paint(counts or _count(len(findings), "info"), "error" if errors else "warning")
    return f"{head} {where}\nnext: pruneconf explain {findings[0].rule.code}  (why {findings[0].rule.name} matters)"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
