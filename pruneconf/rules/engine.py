"""Run the rules over one config: each stage needs what the stage before has found sound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from pruneconf.config import Config, Reading, read_config

MARK = "pruneconf:"
"""What stands in every comment that silences rules; to look for it costs nothing."""
_OF_TEXT = frozenset({"text"})
_WITHOUT_MODEL = frozenset({"text", "faults", "schema", "comments"})
_WITH_MODEL = _WITHOUT_MODEL | {"model", "plan"}

if TYPE_CHECKING:
    from pruneconf.findings import Finding
    from pruneconf.graph import ModelGraph


class Examined(NamedTuple):
    """What a run of the rules over one config has found, in the order of the text.

    `suppressed` are the findings that comments in the text silence. `stages` are those of the registry whose rules
    have had their say: what the others would find is not known.
    """

    findings: list[Finding]
    suppressed: list[Finding]
    stages: frozenset[str]


def lint(config: Config | Reading, graph: ModelGraph | None = None) -> list[Finding]:
    """What is wrong with a config, in the order of the text; with a model graph, against that model too.

    `config` is a `Config`, or what `read_config` made of a document that may not be one. What its comments silence
    is left out.
    """
    return examine(config, graph).findings


def examine(config: Config | Reading, graph: ModelGraph | None = None) -> Examined:
    """What `lint` finds, with what comments silence kept apart."""
    reading = read_config(config.document, config.path) if isinstance(config, Config) else config
    document = reading.document
    marked = MARK in document.text
    if reading.spotless and graph is None and not document.problems and not marked:
        return Examined([], [], _WITHOUT_MODEL)
    stages = _stages(reading, graph)
    found: list[Finding] = []
    if document.problems:
        _run("text", reading, found)
    if document.find(reading.path) is not None:
        _check(reading, graph, found)
    found = list(_once(found))
    silenced: list[Finding] = []
    if marked and not document.is_json:
        from pruneconf.rules.comments.suppress import suppress

        _run("comments", reading, found, stages=stages)
        found, silenced = suppress(document, found)
    return Examined(_in_order(found), _in_order(silenced), stages)


def _stages(reading: Reading, graph: ModelGraph | None) -> frozenset[str]:
    """The stages whose rules are heard."""
    if reading.document.root is None or reading.document.find(reading.path) is None:
        return _OF_TEXT
    return _WITHOUT_MODEL if graph is None or reading.config is None else _WITH_MODEL


def _in_order(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda finding: (finding.place.start, finding.rule.code, finding.place.end))


def _once(found: list[Finding]) -> Iterable[Finding]:
    """Findings without those that say the same of the same text, which aliases bring into several sub-configs."""
    places = {(finding.rule.code, finding.place.start, finding.message): finding for finding in reversed(found)}
    return reversed(places.values())


def _check(reading: Reading, graph: ModelGraph | None, found: list[Finding]) -> None:
    if reading.faults:
        _run("faults", reading, found)
    if not reading.spotless:
        _run("schema", reading, found)
    if graph is None:
        return
    from pruneconf.plan import Selection, resolve

    selection = Selection(graph)
    _run("model", reading, found, selection_or_none=selection)
    if reading.config is not None:
        plan = resolve(reading.config, graph, selection)
        _run("plan", reading, found, selection_or_none=selection, plan_or_none=plan)


def _run(stage: str, reading: Reading, found: list[Finding], **known: Any) -> None:
    from pruneconf.rules.context import Context
    from pruneconf.rules.registry import rules

    for rule in rules(stage):
        found.extend(rule.check(Context(reading, rule.info, found, **known)))
