"""Which findings the comments of a text silence."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from pruneconf.config import Reading
from pruneconf.config.python import config_lists
from pruneconf.document import Document, Path
from pruneconf.findings import Finding
from pruneconf.findings.directives import Directive, Word, directives
from pruneconf.rules.registry import RULES, rules


class Silence(NamedTuple):
    """One rule that a directive names: what is written there, and its code (None where there is no such rule)."""

    directive: Directive
    word: Word
    code: str | None


class Found:
    """Findings, arranged so that those that a comment silences are quickly told."""

    def __init__(self, found: list[Finding]) -> None:
        self._places: dict[str, list[tuple[int, int]]] = {}
        for i, finding in enumerate(found):
            self._places.setdefault(finding.rule.code, []).append((finding.place.start, i))
        for places in self._places.values():
            places.sort()

    def silenced_by(self, silence: Silence) -> list[int]:
        """The indices of the findings that are silenced."""
        first, last = silence.directive.scope
        places = self._places.get(silence.code or "", [])
        return [i for _, i in places[bisect_left(places, (first, -1)) : bisect_left(places, (last + 1, -1))]]


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


def concerns(reading: Reading, directive: Directive) -> bool:
    """Whether a directive is about this config, and not about something else in its file.

    In Python source, where every config list is checked, those in none of them are the first one's.
    """
    document = reading.document
    if not reading.path or _is_in(document, reading.path, directive):
        return True
    if not document.is_python:
        return False
    lists = config_lists(document)
    return lists[:1] == [reading.path] and not any(_is_in(document, path, directive) for path in lists)


def _is_in(document: Document, path: Path, directive: Directive) -> bool:
    """Whether it stands in a list, or holds for something in there."""
    root = document.find(path)
    first = document.key(path) or root
    if root is None or first is None:
        return False
    return any(first.start <= at <= root.end for at in (directive.start, directive.scope[0]))


def suppress(document: Document, found: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    """The findings that stay, and those that comments silence."""
    there = Found(found)
    silenced = {i for silence in silences(document) for i in there.silenced_by(silence)}
    kept = [finding for i, finding in enumerate(found) if i not in silenced]
    return kept, [found[i] for i in sorted(silenced)]
