"""The documentation of every rule: its form, and that its examples do what it says."""

import re
from importlib import import_module

import pytest

from pruneconf.config import read_config
from pruneconf.document import parse
from pruneconf.findings import Severity
from pruneconf.output.text import render
from pruneconf.rules.registry import RULES, all_rules, rules

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HEADS = ["What it does", "Why is this bad?", "Example", "Use instead"]
ALL = [pytest.param(rule, id=rule.info.code) for rule in all_rules()]


def sections(rule):
    """The text under each head of a rule's documentation; the summary stands under an empty one."""
    parts = re.split(r"^## (.*)\n", rule.info.doc, flags=re.MULTILINE)
    return {"": parts[0].strip(), **{head: text.strip() for head, text in zip(parts[1::2], parts[2::2], strict=True)}}


def blocks(rule, head):
    """The fenced blocks of a section by language; the layers of Example serve Use instead too."""
    text = sections(rule)
    inherited = dict(FENCE.findall(text["Example"])).get("layers")
    return {"layers": inherited, **dict(FENCE.findall(text[head]))}


def pruner(rule, head):
    """The pruner for which a section says that its config is meant."""
    return (re.findall(r"^With `--pruner (\w+)`:$", sections(rule)[head], re.MULTILINE) or ["level"])[0]


@pytest.mark.parametrize("rule", ALL)
def test_form(rule):
    text = sections(rule)
    assert list(text) == ["", *HEADS, *(["Fix safety"] if rule.info.fix else [])]
    assert all(text.values())
    assert re.fullmatch(r"[^\n]+\.", text[""])
    assert ("layers" in dict(FENCE.findall(text["Example"]))) == (
        rule.info.needs in {"model", "plan", "graph", "weights"}
    )


@pytest.mark.parametrize("rule", ALL)
def test_example(rule, findings, snapshot):
    block = blocks(rule, "Example")
    found = findings(block["yaml"], block["layers"], pruner=pruner(rule, "Example"), masked=block.get("masked"))
    loud = [finding for finding in found if finding.severity is not Severity.INFO or finding.rule is rule.info]
    assert [finding.rule.code for finding in loud] == [rule.info.code]
    assert render(loud, lambda text, style: text) == snapshot


@pytest.mark.parametrize("rule", ALL)
def test_use_instead(rule, shown, wrong):
    block = blocks(rule, "Use instead")
    said = shown if rule.info.code == "PC606" else wrong
    assert said(block["yaml"], block["layers"], pruner=pruner(rule, "Use instead")) == ""


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.info.code) for rule in all_rules() if rule.info.fix])
def test_fix_of_the_example(rule, findings):
    block = blocks(rule, "Example")
    text = block["yaml"]
    known = {"layers": block["layers"], "pruner": pruner(rule, "Example")}
    (fix,) = [finding.fix for finding in findings(text, **known) if finding.rule is rule.info]
    assert fix.safe == (rule.info.fix == "safe")
    for edit in sorted(fix.edits, key=lambda edit: -edit.start):
        text = text[: edit.start] + edit.text + text[edit.end :]
    assert read_config(parse(text, "config.yaml")).config is not None
    assert rule.info.code not in {finding.rule.code for finding in findings(text, **known)}


@pytest.mark.parametrize("stage", RULES)
def test_table_is_sorted(stage):
    codes = [rule.info.code for rule in rules(stage)]
    assert codes == sorted(codes)


def test_names():
    infos = [rule.info for rule in all_rules()]
    assert len({info.code for info in infos}) == len({info.name for info in infos}) == len(infos)
    for stage, names in RULES.items():
        for name in names:
            info = import_module(f"pruneconf.rules.{name}").check.info
            assert name.rpartition(".")[2] == info.name.replace("-", "_").replace(".", "_"), stage
