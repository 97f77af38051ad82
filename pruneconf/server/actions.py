"""Quick fixes, and the one action that makes all safe ones."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types as lsp

from pruneconf.findings import Finding
from pruneconf.rules.mend import mend
from pruneconf.server.analysis import Analysis, Examiner
from pruneconf.server.diagnostics import diagnostic
from pruneconf.server.positions import Positions

FIX_ALL = "source.fixAll.pruneconf"


def quick_fixes(
    found: list[Finding], uri: str, version: int | None, positions: Positions, start: int, end: int
) -> Iterator[lsp.CodeAction]:
    """The fixes of the findings that touch [start, end]; a safe one is preferred."""
    for finding in found:
        if finding.fix and finding.place.start <= end and start <= finding.place.end:
            edits = [lsp.TextEdit(positions.range(e.start, e.end), e.text) for e in finding.fix.edits]
            yield lsp.CodeAction(
                title=finding.fix.title,
                kind=lsp.CodeActionKind.QuickFix,
                diagnostics=[diagnostic(finding, uri, positions)],
                is_preferred=finding.fix.safe or None,
                edit=_edit(uri, version, edits),
            )


def fix_all(
    analysis: Analysis, examiner: Examiner, uri: str, version: int | None, positions: Positions
) -> lsp.CodeAction | None:
    """What `pruneconf lint --fix` would do to this text; None where that is nothing."""
    chosen = examiner.chosen
    if not any(finding.fix and finding.fix.safe for finding in analysis.findings):
        return None
    done = mend(
        analysis.reading, examiner.examine, lambda one: chosen(one.rule) and one.fix is not None and one.fix.safe
    )
    before, after = analysis.document.text, done.reading.document.text
    if before == after:
        return None
    edit = lsp.TextEdit(*_difference(before, after, positions))
    title = "fix all that can be fixed safely"
    return lsp.CodeAction(title, kind=FIX_ALL, edit=_edit(uri, version, [edit]))


def _difference(before: str, after: str, positions: Positions) -> tuple[lsp.Range, str]:
    """The one stretch in which two texts differ, and what stands there in the second."""
    most = min(len(before), len(after))
    start = next((i for i in range(most) if before[i] != after[i]), most)
    same = next((i for i in range(most - start) if before[-1 - i] != after[-1 - i]), most - start)
    return positions.range(start, len(before) - same), after[start : len(after) - same]


def _edit(uri: str, version: int | None, edits: list[lsp.TextEdit]) -> lsp.WorkspaceEdit:
    """Edits of one text: of a version, where the editor knows that form."""
    if version is None:
        return lsp.WorkspaceEdit(changes={uri: edits})
    document = lsp.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
    return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(document, list(edits))])
