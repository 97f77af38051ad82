"""What holds for the rules on any valid config and any model."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pruneconf.config import load, read_config
from pruneconf.document import parse, pointer
from pruneconf.findings import Severity
from pruneconf.output.text import render
from pruneconf.plan import Action, resolve
from pruneconf.rules import lint
from pruneconf.rules.order.overlaps import overlaps
from tests.plan.strategies import cases

OF_ONE_ENTRY = {"PC201", "PC202", "PC203", "PC206", "PC207", "PC510"}


@given(cases())
def test_findings_stand_in_the_text_and_name_layers(case):
    graph, data = case
    found = lint(load(data), graph)
    for finding in found:
        assert set(finding.layers) <= set(graph.by_name)
        for label in (finding.place, *finding.related):
            assert 0 <= label.start < label.end <= len(label.document.text)
    assert render(found, lambda text, style: text).count("\n\n") >= len(found) - 1


@given(cases())
def test_places_are_what_the_pointers_say(case):
    graph, data = case
    config = load(data)
    for finding in lint(config, graph):
        for label in (finding.place, *finding.related):
            node = data
            for step in label.pointer.split("/")[1:]:
                node = node[int(step)] if isinstance(node, list) else node[step]
            shown = config.document.text[label.start : label.end]
            if isinstance(node, str):
                assert shown in {json.dumps(node, ensure_ascii=False), f'"{label.pointer.rpartition("/")[2]}"'}


@given(cases())
def test_an_entry_that_matches_nothing_is_an_error(case):
    graph, data = case
    found = lint(load(data), graph)
    errors = {finding.place.pointer for finding in found if finding.severity is Severity.ERROR}
    unknown = {finding.place.pointer for finding in found if finding.rule.code in OF_ONE_ENTRY}
    for i, sub_config in enumerate(data):
        for j, name in enumerate(sub_config.get("op_names", [])):
            assert (pointer((i, "op_names", j)) in unknown) == (name not in graph.by_name)
        for j, part in enumerate(sub_config.get("op_partial_names", [])):
            assert (pointer((i, "op_partial_names", j)) in unknown) != any(part in name for name in graph.by_name)
    assert unknown <= errors


@given(cases())
def test_a_config_without_errors_prunes_something(case):
    graph, data = case
    config = load(data)
    errors = [finding for finding in lint(config, graph) if finding.severity is Severity.ERROR]
    plan = resolve(config, graph)
    if data and not errors:
        assert any(entry.action is Action.PRUNE for entry in plan.layers)
        assert all(group.feasible for group in plan.groups)
        assert not list(plan.conflicts())
        assert all(plan.effective)


@given(cases(), st.randoms())
def test_order_of_entries_does_not_matter(case, random):
    graph, data = case
    shuffled = [
        {key: random.sample(value, len(value)) if isinstance(value, list) else value for key, value in sub.items()}
        for sub in data
    ]
    codes = [sorted(finding.rule.code for finding in lint(load(config), graph)) for config in (data, shuffled)]
    assert codes[0] == codes[1]


@given(cases())
def test_one_entry_has_one_fault(case):
    graph, data = case
    found = lint(load(data), graph)
    faulty = [finding.place.pointer for finding in found if finding.rule.code in OF_ONE_ENTRY]
    assert len(faulty) == len(set(faulty))


@given(cases())
def test_a_fix_mends_what_it_is_for(case):
    graph, data = case
    config = load(data)
    found = lint(config, graph)
    for finding in found:
        if finding.fix is None or not finding.rule.code.startswith(("PC2", "PC4")):
            continue
        text = config.document.text
        for edit in sorted(finding.fix.edits, key=lambda edit: -edit.start):
            text = text[: edit.start] + edit.text + text[edit.end :]
        mended = read_config(parse(text, "config.json"))
        assert mended.config is not None
        assert of_rule(lint(mended, graph), finding) < of_rule(found, finding)


def of_rule(found, one):
    return sum(finding.rule is one.rule for finding in found)


@given(cases())
def test_an_overlap_is_spoken_of_once(case):
    graph, data = case
    plan = resolve(load(data), graph)
    judged = [overlap for code in ("PC302", "PC303", "PC305", "PC306", "PC307") for overlap in overlaps(plan, code)]
    assert len({(overlap.earlier, overlap.later) for overlap in judged}) == len(judged)
    assert set(judged) <= set(plan.takeovers)
