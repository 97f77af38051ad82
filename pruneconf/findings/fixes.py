"""Fixes carried out on a text: each whole or not at all, and no two of them in the same place."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from pruneconf.document.edits import Edit
from pruneconf.findings.model import Finding


def compatible(findings: Iterable[Finding]) -> list[Finding]:
    """The findings whose fixes can be carried out together: of two that touch the same text, the first.

    Fixes with the very same edits are one fix for several findings.
    """
    taken: list[Edit] = []
    known: set[tuple[Edit, ...]] = set()
    chosen = []
    for finding in findings:
        edits = tuple(sorted(finding.fix.edits)) if finding.fix else ()
        if not edits:
            continue
        if edits not in known:
            if any(_clash(taken, edit) for edit in edits):
                continue
            known.add(edits)
            for edit in edits:
                insort(taken, edit)
        chosen.append(finding)
    return chosen


def carry_out(text: str, findings: Iterable[Finding]) -> str:
    """The text after the fixes of findings that are compatible."""
    edits = sorted({edit for finding in findings if finding.fix for edit in finding.fix.edits})
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:]])


def _clash(taken: list[Edit], edit: Edit) -> bool:
    """Whether an edit overlaps one that is taken, or inserts where that one begins."""
    index = bisect_left(taken, edit)
    before, after = taken[index - 1 : index], taken[index : index + 1]
    return any(other.end > edit.start or other.start == edit.start for other in before) or any(
        other.start < edit.end or other.start == edit.start for other in after
    )
