"""Run the rules over one config: each stage needs what the stage before has found sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pruneconf.config import Config, Reading, read_config

MARK = "pruneconf:"
"""What stands in every comment that silences rules; to look for it costs nothing."""
SCHEMA = "$schema"
"""The same of every comment that names a schema."""
_WITHOUT_MODEL = frozenset({"text", "faults", "schema", "comments"})

if TYPE_CHECKING:
    from pruneconf.findings import Finding
    from pruneconf.graph import ModelGraph
    from pruneconf.plan import Plan, Selection


class Examined:
    """What a run of the rules over one config has found, in the order of the text.

    `suppressed` are the findings that comments in the text silence. `stages` are those of the registry whose rules
    have had their say: what others would find is not known. `plan` is what a valid config does to the model.
    """

    __slots__ = ("findings", "plan", "stages", "suppressed")

    def __init__(
        self, findings: list[Finding], suppressed: list[Finding], stages: frozenset[str], plan: Plan | None = None
    ) -> None:
        self.findings = findings
        self.suppressed = suppressed
        self.stages = stages
        self.plan = plan


def lint(config: Config | Reading, graph: ModelGraph | None = None, pruner: str = "level") -> list[Finding]:
    """What is wrong with a config, in the order of the text; with a model graph, against that model too.

    `config` is a `Config`, or what `read_config` made of a document that may not be one. `pruner` is the one that is to
    carry it out (`level`, `l1`, `l2`, `fpgm` or `random`). Rules that need a traced forward pass say nothing where
    `graph.origin` is not `operators`; where it does not tell the types of layers and the config asks for types, only
    rules about names are run. What comments silence is left out. Raises PruneconfError where there is no such pruner.
    """
    return examine(config, graph, pruner).findings


def examine(
    config: Config | Reading,
    graph: ModelGraph | None = None,
    pruner: str = "level",
    selection: Selection | None = None,
) -> Examined:
    """What `lint` finds, with what comments silence kept apart; `selection` is of this graph, where it is at hand."""
    reading = read_config(config.document, config.path) if isinstance(config, Config) else config
    document = reading.document
    marked = MARK in document.text
    if reading.spotless and graph is None and not marked and SCHEMA not in document.text:
        return Examined([], [], _WITHOUT_MODEL)
    stages = _stages(reading, graph, pruner)
    found: list[Finding] = []
    if not reading.spotless and document.problems:
        _run("text", reading, found)
    plan = _check(reading, graph, pruner, found, selection) if reading.is_there else None
    found = list(_once(found))
    silenced: list[Finding] = []
    if marked and not document.is_json:
        from pruneconf.rules.comments.suppress import suppress

        _run("comments", reading, found, stages=stages)
        found, silenced = suppress(document, found)
    return Examined(_in_order(found), _in_order(silenced), stages, plan)


def weighed(plan: Plan, masked: Mapping[str, int]) -> list[Finding]:
    """What rules say that need the weights: `masked` counts the elements that a pruner masks, by layer."""
    reading = read_config(plan.config.document, plan.config.path)
    found: list[Finding] = []
    _run("weights", reading, found, plan_or_none=plan, masked=masked)
    if found and MARK in reading.document.text:
        from pruneconf.rules.comments.suppress import suppress

        found, _ = suppress(reading.document, found)
    return _in_order(found)


def _stages(reading: Reading, graph: ModelGraph | None, pruner: str) -> frozenset[str]:
    """The stages whose rules are heard."""
    if not reading.is_there:
        return frozenset({"text"})
    if graph is None or reading.config is None:
        return _WITHOUT_MODEL
    from pruneconf.graph import Origin

    if _lacks_types(reading, graph):
        return _WITHOUT_MODEL | {"files", "names"}
    traced = {"graph"} if graph.origin is Origin.OPERATORS else set()
    channels = {"channels"} if traced and pruner != "level" else set()
    return _WITHOUT_MODEL | {"files", "names", "model", "plan"} | traced | channels


def _lacks_types(reading: Reading, graph: ModelGraph) -> bool:
    """Whether the config asks for types that are not known."""
    return not graph.is_typed and any(sub_config.op_types is not None for sub_config in reading.sub_configs)


def _in_order(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda finding: (finding.place.start, finding.rule.code, finding.place.end))


def _once(found: list[Finding]) -> Iterable[Finding]:
    """Findings without those that say the same of the same text, which aliases bring into several sub-configs."""
    places = {(finding.rule.code, finding.place.start, finding.message): finding for finding in reversed(found)}
    return reversed(places.values())


def _check(
    reading: Reading, graph: ModelGraph | None, pruner: str, found: list[Finding], selection: Selection | None
) -> Plan | None:
    if reading.faults:
        _run("faults", reading, found)
    if not reading.spotless:
        _run("schema", reading, found)
    if graph is None:
        if SCHEMA in reading.document.text:
            _run("files", reading, found)
        return None
    from pruneconf.graph import Origin
    from pruneconf.plan import Selection, pruner_named, resolve

    selection = selection or Selection(graph)
    known: dict[str, Any] = {"selection_or_none": selection, "pruner_or_none": pruner_named(pruner)}
    if graph.changed or SCHEMA in reading.document.text:
        _run("files", reading, found, **known)
    _run("names", reading, found, **known)
    if _lacks_types(reading, graph):
        return None
    _run("model", reading, found, **known)
    if reading.config is None:
        return None
    plan = resolve(reading.config, graph, selection, pruner=pruner)
    _run("plan", reading, found, plan_or_none=plan, **known)
    if graph.origin is Origin.OPERATORS:
        _run("graph", reading, found, plan_or_none=plan, **known)
        if known["pruner_or_none"].is_structured:
            _run("channels", reading, found, plan_or_none=plan, **known)
    return plan


def _run(stage: str, reading: Reading, found: list[Finding], **known: Any) -> None:
    from pruneconf.rules.context import Context
    from pruneconf.rules.registry import rules

    for rule in rules(stage):
        found.extend(rule.check(Context(reading, rule.info, found, **known)))
