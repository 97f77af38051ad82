"""The closing lines of a run of the linter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pruneconf.output.style import Paint

if TYPE_CHECKING:
    from pruneconf.findings import Finding


def summary(
    findings: Sequence[Finding], files: int, model: str | None, config: str, paint: Paint, suppressed: int = 0
) -> str:
    """The closing lines: how much was found, what comments or a baseline silenced, and the command to run next."""
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    where = f"in {_count(files, 'file')}" + (f", checked against {model}" if model else "")
    where += f", {suppressed} suppressed" if suppressed else ""
    if not findings:
        next_command = f"pruneconf show {model} {config}" if model else f"pruneconf lint MODEL {config}"
        aim = "to see what it will do" if model else "to check it against the model too"
        return f"{paint('nothing wrong', 'help')} {where}\nnext: {next_command}  ({aim})"
    fixable = sum(finding.fix is not None and finding.fix.safe for finding in findings)
    where += f", {fixable} fixable with `--fix`" if fixable else ""
    counts = ", ".join(_count(count, noun) for count, noun in ((errors, "error"), (warnings, "warning")) if count)
    head = paint(counts or _count(len(findings), "info"), "error" if errors else "warning")
    return f"{head} {where}\nnext: pruneconf explain {findings[0].rule.code}  (why {findings[0].rule.name} matters)"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
