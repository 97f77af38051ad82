"""Comments that silence what is found now."""

from __future__ import annotations

import re
from collections.abc import Callable

from pruneconf.config import Reading
from pruneconf.document import Document
from pruneconf.document.edits import Edit
from pruneconf.findings import Finding, Fix, Severity
from pruneconf.findings.directives import Directive, directives
from pruneconf.rules.choose import Chosen
from pruneconf.rules.engine import Examined
from pruneconf.rules.mend import Mended, mend


def silence(reading: Reading, examine: Callable[[Reading], Examined], chosen: Chosen) -> Mended:
    """A text with comments that silence the errors and warnings of the chosen rules, as `mend` gives it."""

    def with_comments(reading: Reading) -> Examined:
        examined = examine(reading)
        findings = _with_ignores(reading.document, examined.findings, chosen)
        return Examined(findings, examined.suppressed, examined.stages)

    done = mend(reading, with_comments)
    return done._replace(examined=examine(done.reading))


def _with_ignores(document: Document, findings: list[Finding], chosen: Chosen) -> list[Finding]:
    """The findings; the fix of each chosen error and warning is a comment at the end of its line that silences it.

    There is none in JSON, which has no comments, in a text that does not parse, and for rules about such comments.
    """
    by_line: dict[int, list[Finding]] = {}
    for finding in findings:
        if _may_be_silenced(document, finding) and chosen(finding.rule):
            by_line.setdefault(document.position(finding.place.start).line, []).append(finding)
    there = {document.position(one.start).line: one for one in directives(document) if _is_behind(document, one)}
    fixes = {id(one): _ignore(document, ones, there.get(line)) for line, ones in by_line.items() for one in ones}
    return [finding._replace(fix=fixes.get(id(finding))) for finding in findings]


def _may_be_silenced(document: Document, finding: Finding) -> bool:
    if document.is_json or document.root is None or finding.severity is Severity.INFO:
        return False
    return not finding.rule.code.startswith("PC9")


def _is_behind(document: Document, directive: Directive) -> bool:
    """Whether it stands at the end of a line, for that line."""
    column = document.position(directive.start).column
    head = document.text[directive.start - column + 1 : directive.start]
    return bool(head.strip()) and not directive.whole_file and bool(directive.words)


def _ignore(document: Document, findings: list[Finding], there: Directive | None) -> Fix:
    codes = sorted({finding.rule.code for finding in findings})
    if there is not None:
        end = there.words[-1].end
        edit = Edit(end, end, "".join(f", {code}" for code in codes))
    else:
        end = document.line_end(findings[0].place.start)
        blanks = re.compile(r"[ \t]*\Z").search(document.line(document.position(end).line))
        start = end - (len(blanks[0]) if blanks else 0)
        edit = Edit(start, end, f"  # pruneconf: ignore[{', '.join(codes)}]")
    return Fix(f"ignore {', '.join(codes)}", safe=True, edits=(edit,))
