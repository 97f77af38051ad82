"""The formats that services read, from outside: what they look like, and that they keep to the published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from pruneconf.version import __version__
from tests.conftest import Run

SARIF = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
GRAPH = {
    "format": 1, "source": "m.py", "type": "Net", "origin": "operators", "parameters": 64, "versions": {}, "sources": {},
    "layers": [
        {"name": name, "type": "Linear", "shape": [8, 4], "dtype": "float32", "parameter": f"{name}.weight"}
        for name in ("encoder.fc1", "encoder.fc2")
    ],
    "modules": [{"name": "encoder", "type": "Sequential", "weight": "none", "children": 2}], "shared": {},
}  # fmt: skip
BAD = """\
- op_names: [encoder.fc1, encodr.fc2]
  sparsty_per_layer: 0.5
- op_names: ["😀, 100%: ::x", encoder.fc1]
  sparsity: 0.5
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "net.graph.json").write_text(json.dumps(GRAPH))
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "bad one.yaml").write_text(BAD, encoding="utf-8")
    (tmp_path / "good.yaml").write_text("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n")
    return tmp_path


def report(pruneconf: Run, form: str, *arguments: object) -> str:
    names = arguments or ("net.graph.json", "configs/bad one.yaml", "./good.yaml")
    done = pruneconf("lint", "--format", form, *names)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("form", ["github", "gitlab", "junit"])
def test_report(here: Path, pruneconf: Run, snapshot: SnapshotAssertion, form: str) -> None:
    assert report(pruneconf, form) == snapshot


def test_sarif(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    log = json.loads(report(pruneconf, "sarif"))
    jsonschema.Draft4Validator(SARIF).validate(log)
    driver = log["runs"][0]["tool"]["driver"]
    assert driver.pop("semanticVersion") == __version__
    rules = driver.pop("rules")
    assert [rule["id"] for rule in rules] == [
        row["code"] for row in json.loads(pruneconf("rules", "--format", "json").stdout)
    ]
    for result in log["runs"][0]["results"]:
        assert rules[result.pop("ruleIndex")]["id"] == result["ruleId"]
    assert log == snapshot


def test_sarif_of_nothing_wrong_and_of_a_text_that_does_not_parse(here: Path, pruneconf: Run) -> None:
    (here / "open.yaml").write_text("- op_types: [Conv2d\n")
    for name in ("good.yaml", "open.yaml"):
        jsonschema.Draft4Validator(SARIF).validate(json.loads(report(pruneconf, "sarif", name)))


def test_sarif_counts_columns_in_utf_16_code_units(here: Path, pruneconf: Run) -> None:
    (here / "wide.yaml").write_text("- {op_names: [é😀], sparsty: 0.5}\n", encoding="utf-8")
    (result,) = json.loads(report(pruneconf, "sarif", "wide.yaml"))["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    line = (here / "wide.yaml").read_text(encoding="utf-8").encode("utf-16-le")
    assert line[2 * region["startColumn"] - 2 : 2 * region["endColumn"] - 2].decode("utf-16-le") == "sparsty"


@pytest.mark.parametrize("form", ["sarif", "gitlab"])
def test_fingerprints_stay_when_lines_move_and_differ_from_each_other(here: Path, pruneconf: Run, form: str) -> None:
    def prints(text: str) -> list[str]:
        (here / "cfg.yaml").write_text(text, encoding="utf-8")
        data = json.loads(report(pruneconf, form, "cfg.yaml"))
        if form == "gitlab":
            return [issue["fingerprint"] for issue in data]
        return [result["partialFingerprints"]["ruleAndLine/v1"] for result in data["runs"][0]["results"]]

    twice = BAD + BAD
    assert prints("# moved\n\n" + twice) == prints(twice)
    assert len(set(prints(twice))) == len(prints(twice))


def test_files_are_named_from_the_folder_of_the_run_on(here: Path, pruneconf: Run) -> None:
    absolute = here / "configs" / "bad one.yaml"
    log = json.loads(report(pruneconf, "sarif", absolute))
    assert log["runs"][0]["artifacts"] == [{"location": {"uri": "configs/bad%20one.yaml", "uriBaseId": "%SRCROOT%"}}]
    assert "file=configs/bad one.yaml," in report(pruneconf, "github", absolute)


def test_github_says_which_annotations_it_will_not_show(here: Path, pruneconf: Run) -> None:
    (here / "many.yaml").write_text("- op_types: [Linear]\n  sparsity: 0.5\n" * 11)
    printed = report(pruneconf, "github", "many.yaml")
    assert printed.count("::warning ") == 11
    assert printed.splitlines()[-1] == (
        "pruneconf: GitHub shows 10 of these 11 annotations (warning); this log has them all"
    )


def test_junit_fails_what_fails_the_run(here: Path, pruneconf: Run) -> None:
    (here / "old.yaml").write_text("- op_types: [Linear]\n  sparsity: 0.5\n")
    for arguments, failures in (((), "0"), (("--strict",), "1")):
        done = pruneconf("lint", "--format", "junit", "old.yaml", *arguments)
        assert ET.fromstring(done.stdout).get("failures") == failures == str(done.returncode)


def test_junit_is_xml_whatever_a_config_holds(here: Path, pruneconf: Run) -> None:
    (here / "evil.yaml").write_text('- op_types: ["\\e]]>&<\\0\\uFFFE"]\n  "sparsity\\x01": 0.5\n')
    ET.fromstring(report(pruneconf, "junit", "net.graph.json", "evil.yaml"))


def test_several_reports_at_once(here: Path, pruneconf: Run) -> None:
    name = "configs/bad one.yaml"
    done = pruneconf(
        "lint", name, "--output", "sarif:out.sarif", "--output", "junit:out.xml", "--output", "text:out.txt"
    )
    assert done.returncode == 1
    assert done.stdout == (here / "out.txt").read_text(encoding="utf-8") == pruneconf("lint", name).stdout
    assert (here / "out.sarif").read_text(encoding="utf-8") == report(pruneconf, "sarif", name)
    assert (here / "out.xml").read_text(encoding="utf-8") == report(pruneconf, "junit", name)


def test_output_without_a_format_takes_what_would_be_printed(here: Path, pruneconf: Run) -> None:
    done = pruneconf("lint", "good.yaml", "--format", "json", "--output", "out.json")
    assert (done.returncode, done.stdout) == (0, "")
    assert (here / "out.json").read_text() == report(pruneconf, "json", "good.yaml")


def test_a_report_that_cannot_be_written_ends_the_run(here: Path, pruneconf: Run) -> None:
    done = pruneconf("lint", "good.yaml", "--output", "json:nowhere/out.json")
    assert (done.returncode, done.stderr) == (
        2,
        "pruneconf: cannot write `nowhere/out.json`: no such file or directory; name another file with `--output`\n",
    )


def test_statistics(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    assert pruneconf("lint", "net.graph.json", "configs/bad one.yaml", "--statistics").stdout == snapshot
    assert pruneconf("lint", "good.yaml", "--statistics").stdout == pruneconf("lint", "good.yaml").stdout
    refused = pruneconf("lint", "good.yaml", "--statistics", "--format", "json")
    assert refused.returncode == 2
    assert "`--statistics` belongs to `--format text`" in refused.stderr
