"""`pruneconf lint` from outside: arguments, streams, exit status, formats."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from pruneconf.config.schema import schema_text
from tests.conftest import Run

TYPO = "- op_types: [Conv2d]\n  sparsty_per_layer: 0.5\n"
WARNING = "- op_types: [Conv2d]\n  sparsity: 0.5\n"


def test_a_clean_config_exits_0_and_names_the_next_command(here: Path, pruneconf: Run) -> None:
    done = pruneconf("lint", "cfg.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "nothing wrong in 1 file\nnext: pruneconf lint MODEL cfg.yaml  (to check it against the model too)\n"
    )


def test_against_a_graph_it_names_the_model(here: Path, pruneconf: Run) -> None:
    done = pruneconf("lint", "net.graph.json", "cfg.yaml")
    assert done.returncode == 0
    assert done.stdout == (
        "nothing wrong in 1 file, checked against net.graph.json\n"
        "next: pruneconf show net.graph.json cfg.yaml  (to see what it will do)\n"
    )


def test_an_error_exits_1_and_is_shown_at_its_line(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    (here / "bad.yaml").write_text(TYPO)
    done = pruneconf("lint", "bad.yaml")
    assert done.returncode == 1
    assert done.stdout == snapshot


def test_several_faults_against_the_model(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    (here / "bad.yaml").write_text(
        "- op_types: [conv2d]\n"
        "  sparsity_per_layer: 0.5\n"
        "- op_names: [block.1.conv, fc]  # the head\n"
        "  sparsity_per_layer: 80\n"
        "- op_names: [blocks.0]\n"
        "  exclude: true\n"
    )
    done = pruneconf("lint", "net.graph.json", "bad.yaml")
    assert done.returncode == 1
    assert done.stdout == snapshot


def test_warnings_fail_only_under_strict(here: Path, pruneconf: Run) -> None:
    (here / "old.yaml").write_text(WARNING)
    assert pruneconf("lint", "old.yaml").returncode == 0
    assert pruneconf("lint", "--strict", "old.yaml").returncode == 1


def test_quiet_shows_errors_only(here: Path, pruneconf: Run) -> None:
    (here / "old.yaml").write_text(WARNING)
    assert pruneconf("lint", "--quiet", "old.yaml").stdout == ""
    (here / "bad.yaml").write_text(TYPO)
    assert pruneconf("lint", "--quiet", "bad.yaml").stdout.startswith("error[PC101]")


@pytest.mark.parametrize("choice", ["PC101", "PC1", "unknown-key"])
def test_rules_are_chosen_by_code_prefix_or_name(here: Path, pruneconf: Run, choice: str) -> None:
    (here / "bad.yaml").write_text(TYPO)
    assert pruneconf("lint", "--select", choice, "bad.yaml").returncode == 1
    assert pruneconf("lint", "--ignore", choice, "bad.yaml").returncode == 0
    assert pruneconf("lint", "--select", "PC405," + choice, "bad.yaml").returncode == 1


def test_an_unknown_rule_is_refused_with_a_suggestion(here: Path, pruneconf: Run) -> None:
    done = pruneconf("lint", "--ignore", "unknown-kye", "cfg.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pruneconf: there is no rule `unknown-kye`; did you mean `unknown-key`?\n"


def test_standard_input_is_called_what_the_user_says(here: Path, pruneconf: Run) -> None:
    assert pruneconf("lint", "-", stdin="- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n").returncode == 0
    done = pruneconf("lint", "net.graph.json", "-", "--stdin-filename", "x.yaml", stdin=TYPO)
    assert done.returncode == 1
    assert " --> x.yaml:2:3" in done.stdout
    as_json = pruneconf("lint", "-", "--stdin-filename", "x.json", stdin='[{"op_types": ["Conv2d"]}]')
    assert "PC105" in as_json.stdout


def test_a_list_inside_a_larger_file(here: Path, pruneconf: Run) -> None:
    (here / "train.yaml").write_text(
        "lr: 0.1\npruning:\n  config_list:\n" + "".join(f"  {line}\n" for line in TYPO.splitlines())
    )
    done = pruneconf("lint", "--format", "json", "train.yaml#/pruning/config_list")
    assert done.returncode == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["pointer"] == "/pruning/config_list/0/sparsty_per_layer"
    assert (finding["start"], finding["end"]) == ({"line": 5, "column": 5}, {"line": 5, "column": 22})


def test_a_folder_is_searched_for_configs(here: Path, pruneconf: Run) -> None:
    (here / "configs" / "deep").mkdir(parents=True)
    (here / "configs" / "a.prune.yaml").write_text(TYPO)
    (here / "configs" / "deep" / "pruneconf.yaml").write_text(TYPO)
    (here / "configs" / "other.yaml").write_text("a: 1\n")
    done = pruneconf("lint", "configs")
    assert done.returncode == 1
    assert "2 errors in 2 files" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.yaml"], "`missing.yaml`"),
        (["net.graph.json"], "is taken for the model: name a config"),
        (["cfg.yaml#/nowhere"], "nowhere"),
        (["missing.graph.json", "cfg.yaml"], "`missing.graph.json`"),
        (["empty"], "holds no config"),
        (["--formt", "json", "cfg.yaml"], "No such option"),
    ],
)
def test_what_cannot_be_run_exits_2_with_one_sentence(
    here: Path, pruneconf: Run, arguments: list[str], message: str
) -> None:
    (here / "empty").mkdir()
    done = pruneconf("lint", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_json_follows_its_schema(here: Path, pruneconf: Run) -> None:
    (here / "bad.yaml").write_text(TYPO + WARNING + "- op_names: [cnv1]\n  exclude: true\n")
    done = pruneconf("lint", "--format", "json", "net.graph.json", "bad.yaml", "cfg.yaml")
    data = json.loads(done.stdout)
    jsonschema.validate(data, json.loads(schema_text("findings")))
    assert data["summary"]["files"] == 2
    assert {finding["code"] for finding in data["findings"]} == {"PC101", "PC201", "PC601"}


def test_colour_only_where_it_is_wanted(here: Path, pruneconf: Run) -> None:
    (here / "bad.yaml").write_text(TYPO)
    assert "\x1b[" not in pruneconf("lint", "bad.yaml").stdout
    assert "\x1b[1;31m" in pruneconf("lint", "bad.yaml", FORCE_COLOR="1").stdout
    assert "\x1b[" not in pruneconf("lint", "bad.yaml", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_a_config_cannot_steer_the_terminal(here: Path, pruneconf: Run) -> None:
    (here / "evil.yaml").write_text('- op_types: ["\\e[2J"]\n  sparsity_per_layer: 0.5\n')
    done = pruneconf("lint", "net.graph.json", "evil.yaml")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout


def test_carets_stand_below_wide_characters_and_tabs(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    (here / "wide.yaml").write_text("- {op_names: [層.変換, é],\tsparsty_per_layer: 0.5}\n", encoding="utf-8")
    assert pruneconf("lint", "wide.yaml").stdout == snapshot


def test_a_long_line_is_shown_around_the_fault(here: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    names = ", ".join(f"layer{i}.conv" for i in range(60))
    (here / "long.yaml").write_text(f"- {{op_names: [{names}], sparsty_per_layer: 0.5, op_types: [Conv2d, Linear]}}\n")
    assert pruneconf("lint", "long.yaml").stdout == snapshot


def test_a_reader_that_goes_away_is_no_failure(here: Path) -> None:
    import subprocess
    import sys

    (here / "bad.yaml").write_text(TYPO * 2000)
    command = f"{sys.executable} -m pruneconf lint bad.yaml | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=here, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("error[PC101]")


def test_codes_lead_to_the_pages_of_rules_where_links_are_shown(here: Path, pruneconf: Run) -> None:
    (here / "bad.yaml").write_text(TYPO)
    linked = pruneconf("lint", "bad.yaml", FORCE_HYPERLINK="1").stdout
    page = "https://pruneconf.github.io/pruneconf/rules/unknown-key/"
    assert linked.startswith(f"\x1b]8;;{page}\x1b\\error[PC101]\x1b]8;;\x1b\\ unknown-key")
    assert "\x1b]8" not in pruneconf("lint", "bad.yaml", FORCE_HYPERLINK="0", FORCE_COLOR="1").stdout
    assert "\x1b" not in pruneconf("lint", "bad.yaml").stdout


def test_a_directory_is_searched_without_its_hidden_folders(here: Path, pruneconf: Run) -> None:
    for folder in ("configs", "configs/.venv/lib"):
        (here / folder).mkdir(parents=True)
        (here / folder / "bad.prune.yaml").write_text(TYPO)
    done = pruneconf("lint", "--format", "github", "configs")
    assert done.stdout.count("\n") == 1
    assert "file=configs/bad.prune.yaml" in done.stdout


@pytest.mark.parametrize("options", [["--diff", "bad.yaml"], ["--fix", "-"], ["--add-ignores", "-"]])
def test_a_report_is_not_printed_amidst_a_text(here: Path, pruneconf: Run, options: list[str]) -> None:
    (here / "bad.yaml").write_text(WARNING)
    done = pruneconf("lint", "--format", "json", *options, stdin=WARNING)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--output json:FILE" in done.stderr
    assert pruneconf("lint", "--output", "json:report.json", *options, stdin=WARNING).stdout != ""
    assert json.loads((here / "report.json").read_text())["format"] == 1


def test_the_next_command_is_for_the_same_pruner(here: Path, pruneconf: Run) -> None:
    done = pruneconf("lint", "--pruner", "l1", "net.graph.json", "cfg.yaml", stdin="")
    assert "next: pruneconf show net.graph.json cfg.yaml --pruner l1  (" in done.stdout
    assert (
        "lint MODEL CONFIG  (" in pruneconf("lint", "-", stdin=WARNING.replace("sparsity", "sparsity_per_layer")).stdout
    )
