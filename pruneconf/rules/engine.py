"""Run the rules over one config: each stage needs what the stage before has found sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from pruneconf.config import Config, Reading
from pruneconf.findings import Finding
from pruneconf.rules.context import Context
from pruneconf.rules.registry import rules

if TYPE_CHECKING:
    from pruneconf.graph import ModelGraph

MakeContext = Callable[..., Context]


def lint(config: Config | Reading, graph: ModelGraph | None = None) -> list[Finding]:
    """What is wrong with a config, in the order of the text; with a model graph, against that model too.

    `config` is a `Config`, or what `read_config` made of a document that may not be one.
    """
    reading = Reading(config.document, config.path, config.sub_configs, ()) if isinstance(config, Config) else config
    found: list[Finding] = []
    context = partial(Context, reading=reading, found=found)
    if reading.document.problems:
        _run("text", context, found)
    if reading.document.find(reading.path) is not None:
        _check(reading, graph, context, found)
    return sorted(_once(found), key=lambda finding: (finding.place.start, finding.rule.code, finding.place.end))


def _once(found: list[Finding]) -> Iterable[Finding]:
    """Findings without those that say the same of the same text, which aliases bring into several sub-configs."""
    places = {(finding.rule.code, finding.place.start, finding.message): finding for finding in reversed(found)}
    return reversed(places.values())


def _check(reading: Reading, graph: ModelGraph | None, context: MakeContext, found: list[Finding]) -> None:
    if reading.faults:
        _run("faults", context, found)
    _run("schema", context, found)
    if graph is None:
        return
    from pruneconf.plan import Selection, resolve

    selection = Selection(graph)
    _run("model", partial(context, selection_or_none=selection), found)
    if reading.config is not None:
        plan = resolve(reading.config, graph, selection)
        _run("plan", partial(context, selection_or_none=selection, plan_or_none=plan), found)


def _run(stage: str, context: MakeContext, found: list[Finding]) -> None:
    for rule in rules(stage):
        found.extend(rule.check(context(rule=rule.info)))
