"""Which findings the comments of a text silence."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from pruneconf.document import Document
from pruneconf.findings import Finding
from pruneconf.findings.directives import Directive, Word, directives
from pruneconf.rules.registry import RULES, rules


class Silence(NamedTuple):
    """One rule that a directive names: what is written there, and its code (None where there is no such rule)."""

    directive: Directive
    word: Word
    code: str | None

    def covers(self, finding: Finding) -> bool:
        """Whether this silences a finding."""
        return finding.rule.code == self.code and self.directive.covers(finding.place.start)


@cache
def stage_of() -> dict[str, str]:
    """The stage in which each rule runs, by its code."""
    return {rule.info.code: stage for stage in RULES for rule in rules(stage)}


@cache
def _codes() -> dict[str, str]:
    """The code of each rule, by its code and by its name."""
    infos = [rule.info for stage in RULES for rule in rules(stage)]
    return {word: info.code for info in infos for word in (info.code, info.name)}


def silences(document: Document) -> Iterator[Silence]:
    """Every rule that a comment of the document names."""
    for directive in directives(document):
        for word in directive.words:
            yield Silence(directive, word, _codes().get(word.text))


def suppress(document: Document, found: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    """The findings that stay, and those that comments silence."""
    by_code: dict[str | None, list[Silence]] = {}
    for silence in silences(document):
        by_code.setdefault(silence.code, []).append(silence)
    silenced = [any(one.covers(finding) for one in by_code.get(finding.rule.code, ())) for finding in found]
    pairs = list(zip(found, silenced, strict=True))
    return [finding for finding, quiet in pairs if not quiet], [finding for finding, quiet in pairs if quiet]
