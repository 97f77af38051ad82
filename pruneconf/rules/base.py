"""What a rule is: a function from a context to findings, with an identity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from pruneconf.findings import Finding, RuleInfo, Severity

if TYPE_CHECKING:
    from pruneconf.rules.context import Context

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
SAFE, UNSAFE = "safe", "unsafe"

Check = Callable[["Context"], Iterator[Finding]]


class Rule(NamedTuple):
    """A check and what it is called."""

    info: RuleInfo
    check: Check


def rule(code: str, name: str, *, severity: Severity, needs: str, fix: str | None = None) -> Callable[[Check], Rule]:
    """Make a rule of a check; the docstring of its module is its documentation."""

    def register(check: Check) -> Rule:
        doc = check.__globals__["__doc__"].strip()
        return Rule(RuleInfo(code, name, severity, needs, fix, doc), check)

    return register
