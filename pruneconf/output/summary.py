"""The closing lines of a run of the linter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pruneconf.output.style import Paint, command_line, printable

if TYPE_CHECKING:
    from pruneconf.findings import Finding


def summary(
    findings: Sequence[Finding], models: Mapping[str, str | None], pruner: str, paint: Paint, suppressed: int = 0
) -> str:
    """The closing lines: how much was found in these files, what is suppressed, and the command to run next.

    `models` are the files, each with the model that it was checked against, for `pruner`.
    """
    file, model = next(iter(models.items()))
    others = len({*models.values()} - {model, None})
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    where = f"in {_count(len(models), 'file')}" + (f", checked against {printable(model)}" if model else "")
    where += f" and {_count(others, 'other model')}" if model and others else ""
    where += f", {suppressed} suppressed" if suppressed else ""
    if not findings:
        config = "CONFIG" if file == "-" else file  # what came from there is read already
        words = ("show", model, config) if model else ("lint", "MODEL", config)
        next_command = command_line("pruneconf", *words, *(() if pruner == "level" else ("--pruner", pruner)))
        aim = "to see what it will do" if model else "to check it against the model too"
        return f"{paint('nothing wrong', 'help')} {where}\nnext: {next_command}  ({aim})"
    fixable = sum(finding.fix is not None and finding.fix.safe for finding in findings)
    where += f", {fixable} fixable with `--fix`" if fixable else ""
    counts = ", ".join(_count(count, noun) for count, noun in ((errors, "error"), (warnings, "warning")) if count)
    head = paint(counts or _count(len(findings), "info"), "error" if errors else "warning")
    return f"{head} {where}\nnext: pruneconf explain {findings[0].rule.code}  (why {findings[0].rule.name} matters)"


def statistics(findings: Sequence[Finding], paint: Paint) -> str:
    """How often each rule spoke, the most frequent first."""
    from collections import Counter

    counts = Counter(finding.rule for finding in findings)
    width = len(str(max(counts.values(), default=0)))
    rows = sorted((-count, rule.code, rule) for rule, count in counts.items())
    return "".join(
        f"{-count:>{width}}  {paint(code, rule.severity.value)} {rule.name}{f' ({rule.fix} fix)' if rule.fix else ''}\n"
        for count, code, rule in rows
    )


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
