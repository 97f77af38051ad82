"""What an editor shows between the lines: inlay hints and code lenses."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types as lsp

from pruneconf.plan import Plan
from pruneconf.rules.words import counted
from pruneconf.server.analysis import Analysis
from pruneconf.server.positions import Positions
from pruneconf.server.words import Share, shares, short

SHOW_PLAN = "pruneconf.showPlan"
TRACE = "pruneconf.trace"


def inlay_hints(analysis: Analysis, positions: Positions, start: int, end: int) -> Iterator[lsp.InlayHint]:
    """What each sub-config that begins in [start, end] finally comes to, at the end of its first line."""
    plan = analysis.plan
    if plan is None:
        return
    here = []
    for sub_config in plan.config.sub_configs:
        node = analysis.document.find(sub_config.path)
        if node is not None and start <= node.start <= end:
            here.append((sub_config.index, analysis.document.line_end(node.start)))
    for share, (_, at) in zip(shares(plan, [index for index, _ in here]), here, strict=True):
        yield lsp.InlayHint(positions.position(at), _label(share), padding_left=True)


def _label(share: Share) -> str:
    by = ", ".join(f"#{taker + 1}" for taker in share.takers)
    if not share.names:
        return f"overridden by {by}" if by else "→ no layers"
    parts = [counted(len(share.names), "layer"), short(share.numel)]
    parts.append("excluded" if share.excludes else share.percent)
    if by:
        parts.append(f"{share.selected - len(share.names):,} overridden by {by}")
    return "→ " + ", ".join(parts)


def lenses(uri: str, *, plan: bool, trace: str | None) -> list[lsp.CodeLens]:
    """Above a config: its plan, and a way to get the graph of the model where there is none or an old one."""
    top = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))
    found = []
    if plan:
        found.append(lsp.CodeLens(top, lsp.Command("show resolved plan", SHOW_PLAN, arguments=[uri])))
    if trace:
        found.append(lsp.CodeLens(top, lsp.Command(f"trace {trace}", TRACE, arguments=[uri])))
    return found


def plan_text(plan: Plan) -> str:
    """The plan as `pruneconf show` prints it."""
    from pruneconf.output.plan_table import table_text
    from pruneconf.output.style import plain

    return table_text(plan, plain, 200)
