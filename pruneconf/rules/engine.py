"""Run the rules over one config: each stage needs what the stage before has found sound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pruneconf.config import Config, Reading, read_config

if TYPE_CHECKING:
    from pruneconf.findings import Finding
    from pruneconf.graph import ModelGraph


def lint(config: Config | Reading, graph: ModelGraph | None = None) -> list[Finding]:
    """What is wrong with a config, in the order of the text; with a model graph, against that model too.

    `config` is a `Config`, or what `read_config` made of a document that may not be one.
    """
    reading = read_config(config.document, config.path) if isinstance(config, Config) else config
    if reading.spotless and graph is None and not reading.document.problems:
        return []
    found: list[Finding] = []
    if reading.document.problems:
        _run("text", reading, found)
    if reading.document.find(reading.path) is not None:
        _check(reading, graph, found)
    return sorted(_once(found), key=lambda finding: (finding.place.start, finding.rule.code, finding.place.end))


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
