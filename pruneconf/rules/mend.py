"""Carry out the fixes of findings, pass after pass, each held to what it promises.

Faults hide one another: a misspelt key hides what is wrong with its value, a misspelt name what happens to the layer.
So the faults that hide others are mended first, one kind in each pass. After a pass the text must parse, what was fixed
must be gone, and no finding of this kind or an earlier one may have come. Each pass thus leaves fewer findings of its
kind, so it ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from pruneconf.config import Reading, with_text
from pruneconf.findings import Finding, Severity
from pruneconf.findings.fixes import carry_out, compatible
from pruneconf.rules.engine import Examined
from pruneconf.rules.registry import RULES, rules

MOST_PASSES = 30
MOST_TRIALS = 60
"""How many texts are tried in one pass, where fixes have to be told apart; fewer of a long text."""
MOST_TRIED = 2_000_000
"""About how many characters these texts come to."""

_HIDES = (
    ("PC101", "PC602", "PC603", "PC604"),
    ("PC201", "PC202", "PC203"),
)
"""Of the rules of one stage, those whose faults hide what others would find: a misspelt key, a misspelt name."""


class LeftOut(NamedTuple):
    """A finding whose fix was not carried out, and the rule that would have found something new (None: no parse)."""

    finding: Finding
    because: str | None


class Mended(NamedTuple):
    """A text after its fixes: how it reads now, what is still found, and which findings were fixed."""

    reading: Reading
    examined: Examined
    fixed: list[Finding]
    left_out: list[LeftOut]


def mend(
    reading: Reading, examine: Callable[[Reading], Examined], wanted: Callable[[Finding], bool] = lambda _: True
) -> Mended:
    """Carry out the fixes of the findings that are wanted, until there are none left.

    `examine` lints a reading; `wanted` says of a finding with a fix whether to carry it out. One that is left out is
    tried again once the others are made, so that mending what was mended changes nothing.
    """
    state, tried = Mended(reading, examine(reading), [], []), 0
    for _ in range(MOST_PASSES):
        refused = {_identity(one.finding) for one in state.left_out}
        fixable = [found for found in state.examined.findings if found.fix and _identity(found) not in refused]
        batch = _first_kind([found for found in fixable if wanted(found)])
        if not batch:
            if not state.left_out or len(state.fixed) == tried:
                break
            state, tried = state._replace(left_out=[]), len(state.fixed)
            continue
        state = _pass(state, compatible(batch), examine)
    still = {_identity(finding) for finding in state.examined.findings}
    return state._replace(left_out=[one for one in state.left_out if _identity(one.finding) in still])


def _first_kind(findings: list[Finding]) -> list[Finding]:
    """Those that hide the most of the others."""
    kinds = _kinds()
    first = min((kinds[finding.rule.code] for finding in findings), default=0)
    return [finding for finding in findings if kinds[finding.rule.code] == first]


def _pass(state: Mended, batch: list[Finding], examine: Callable[[Reading], Examined]) -> Mended:
    """One pass: a large part of the batch that keeps its promise, found by trial where not all of it does."""
    text = state.reading.document.text
    accepted: list[Finding] = []
    best, left_out = (state.reading, state.examined), list(state.left_out)
    parts, trials = [batch], min(MOST_TRIALS, 4 + MOST_TRIED // (1 + len(text)))
    while parts:
        part = parts.pop()
        trials -= 1
        reading = with_text(state.reading, carry_out(text, [*accepted, *part]))
        after = examine(reading)
        because = _broken_promise(state.examined, after, reading, [*accepted, *part])
        if because is None:
            accepted, best = [*accepted, *part], (reading, after)
        elif len(part) == 1 or trials < 0:
            left_out += [LeftOut(finding, because or None) for finding in part]
        else:
            parts += _halves(part, state, after)
    made = {finding.fix for finding in accepted}
    fixed = [finding for finding in state.examined.findings if finding.fix and finding.fix in made]
    return Mended(*best, [*state.fixed, *fixed], left_out)


def _halves(part: list[Finding], before: Mended, after: Examined) -> list[list[Finding]]:
    """Two parts of a batch: those in sub-configs in which something new is found, to be tried after the others."""
    depth = len(before.reading.path) + 2
    known = set(map(_identity, before.examined.findings))
    places = {_steps(finding, depth) for finding in after.findings if _identity(finding) not in known}
    suspect = [_steps(finding, depth) in places for finding in part]
    if all(suspect) or not any(suspect):
        suspect = [i >= len(part) // 2 for i in range(len(part))]
    return [[finding for finding, doubt in zip(part, suspect, strict=True) if doubt is kind] for kind in (True, False)]


def _steps(finding: Finding, depth: int) -> tuple[str, ...]:
    """The first steps of the pointer to a finding."""
    return tuple(finding.place.pointer.split("/", depth)[:depth])


def _broken_promise(before: Examined, after: Examined, reading: Reading, fixed: Sequence[Finding]) -> str | None:
    """The code of the rule that would find something new or still; empty where the text would not parse."""
    if reading.document.root is None:
        return ""
    promised = Counter(finding.rule.code for finding in before.findings)
    promised.subtract(Counter(finding.rule.code for finding in fixed))
    now = Counter(finding.rule.code for finding in after.findings)
    kinds = _kinds()
    kind = kinds[fixed[0].rule.code]
    quiet = {finding.rule.code for finding in after.findings if finding.severity is Severity.INFO}
    quiet -= {finding.rule.code for finding in fixed}
    broken = (code for code in now if now[code] > promised[code] and kinds[code] <= kind and code not in quiet)
    return next(broken, None)


@cache
def _kinds() -> dict[str, int]:
    """The kind of each rule: a fault of a lower one may hide faults of the higher ones."""
    return {
        rule.info.code: 2 * i + (not any(rule.info.code in codes for codes in _HIDES))
        for i, stage in enumerate(RULES)
        for rule in rules(stage)
    }


def _identity(finding: Finding) -> tuple[str, str, str]:
    return finding.rule.code, finding.place.pointer, finding.message
