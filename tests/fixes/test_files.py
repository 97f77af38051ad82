"""`pruneconf lint --fix` and what goes with it, on files: what is written, what is not, and what is said."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from pruneconf.document import parse, read
from pruneconf.document.write import rewrite
from pruneconf.errors import PruneconfError

OLD = "# ours\n- op_types: [Conv2d, Conv2d]   # all\n  sparsity: 0.50\n- op_names: ['a']\n  sparsity_per_layer: 80\n"
SAFE = OLD.replace(", Conv2d", "").replace("sparsity:", "sparsity_per_layer:")
ALL = SAFE.replace("80", "0.8")


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "cfg.yaml"
    path.write_text(OLD)
    return path


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_safe_fixes_and_then_unsafe_ones(config, pruneconf, snapshot):
    done = pruneconf("lint", "--fix", "cfg.yaml")
    assert (done.returncode, config.read_text()) == (1, SAFE)
    assert (done.stdout, done.stderr) == snapshot
    done = pruneconf("lint", "--fix", "--unsafe-fixes", "cfg.yaml")
    assert (done.returncode, config.read_text()) == (0, ALL)
    assert pruneconf("lint", "--fix", "cfg.yaml").stderr == ""


def test_a_diff_writes_nothing_and_can_be_applied(config, tmp_path, pruneconf, snapshot):
    done = pruneconf("lint", "--diff", "--unsafe-fixes", "--baseline", "known.json", "cfg.yaml")
    assert (done.returncode, config.read_text(), listing(tmp_path)) == (1, OLD, ["cfg.yaml"])
    assert (done.stdout, done.stderr) == snapshot
    subprocess.run(["git", "apply", "-p0"], input=done.stdout.encode(), cwd=tmp_path, check=True)
    assert config.read_text() == ALL
    done = pruneconf("lint", "--diff", "--unsafe-fixes", "cfg.yaml")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_diff_of_a_last_line_without_a_break(config, tmp_path, pruneconf):
    config.write_bytes(OLD.rstrip().replace("\n", "\r\n").encode())
    done = pruneconf("lint", "--diff", "--unsafe-fixes", "cfg.yaml")
    assert "\\ No newline at end of file\n" in done.stdout
    subprocess.run(["git", "apply", "-p0"], input=done.stdout.encode(), cwd=tmp_path, check=True)
    assert config.read_bytes() == ALL.rstrip().replace("\n", "\r\n").encode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_and_line_breaks_stay(config, pruneconf, encoding):
    config.write_bytes(OLD.replace("\n", "\r\n").encode(encoding))
    pruneconf("lint", "--fix", "cfg.yaml")
    assert config.read_bytes() == SAFE.replace("\n", "\r\n").encode(encoding)


def test_mode_bits_and_links_stay(config, tmp_path, pruneconf):
    config.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to("cfg.yaml")
    pruneconf("lint", "--fix", "link.yaml")
    assert link.is_symlink()
    assert (config.read_text(), config.stat().st_mode & 0o777) == (SAFE, 0o640)
    assert listing(tmp_path) == ["cfg.yaml", "link.yaml"]


def test_a_read_only_file_is_refused(config, tmp_path, pruneconf):
    config.chmod(0o440)
    done = pruneconf("lint", "--fix", "cfg.yaml")
    assert (done.returncode, config.read_text(), listing(tmp_path)) == (2, OLD, ["cfg.yaml"])
    assert done.stderr.endswith("`cfg.yaml` is read-only: make it writable, or see the fixes with `--diff`\n")


def test_a_file_that_has_changed_meanwhile_is_refused(config, tmp_path):
    document, _ = read(str(config))
    config.write_text("- changed\n")
    with pytest.raises(PruneconfError, match="has changed since it was read"):
        rewrite(document, SAFE)
    assert (config.read_text(), listing(tmp_path)) == ("- changed\n", ["cfg.yaml"])


def test_a_config_that_changes_while_its_model_is_traced_is_left_as_it_is(config, tmp_path, pruneconf):
    """Nothing that somebody saves meanwhile is lost."""
    (tmp_path / "model.py").write_text(
        "from pathlib import Path\n\nfrom torch import nn\n\n"
        "Path('cfg.yaml').write_text('- changed\\n')\nmodel = nn.Sequential(nn.Conv2d(3, 8, 3))\n"
    )
    done = pruneconf("lint", "--fix", "model.py", "cfg.yaml", "--no-cache")
    assert (done.returncode, config.read_text()) == (2, "- changed\n")
    assert done.stderr.endswith("`cfg.yaml` has changed since it was read: it is left as it is, run this again\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(config, pruneconf):
    os.chown(config, 1234, 1235)
    pruneconf("lint", "--fix", "cfg.yaml")
    assert config.read_text() == SAFE
    assert (config.stat().st_uid, config.stat().st_gid) == (1234, 1235)


def test_what_is_no_file_is_refused():
    with pytest.raises(PruneconfError, match="is no regular file"):
        rewrite(parse("a", "/dev/null"), "b")
    with pytest.raises(PruneconfError, match="cannot write"):
        rewrite(parse("a", "/nowhere/cfg.yaml"), "b")


def test_standard_input_is_fixed_to_standard_output(pruneconf):
    done = pruneconf("lint", "--fix", "-", stdin=OLD)
    assert (done.returncode, done.stdout) == (1, SAFE)
    assert "PC103" in done.stderr
    done = pruneconf("lint", "--fix", "-", stdin=ALL)
    assert (done.returncode, done.stdout) == (0, ALL)


def test_a_list_inside_a_larger_file(tmp_path, pruneconf):
    path = tmp_path / "train.yaml"
    path.write_text("a: [x, x]\nprune:\n" + "".join(f"  {line}\n" for line in OLD.splitlines()) + "b: {y: 1, y: 2}\n")
    before = path.read_text()
    pruneconf("lint", "--fix", "train.yaml#/prune")
    assert path.read_text() == before.replace(", Conv2d", "").replace("sparsity:", "sparsity_per_layer:")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unsafe-fixes", "cfg.yaml"], "goes with `--fix` or `--diff`"),
        (["--fix", "--add-ignores", "cfg.yaml"], "two steps"),
        (["--fix", "-", "cfg.yaml"], "stands alone"),
        (["--baseline", "cfg.yaml", "cfg.yaml"], "is no baseline"),
        (["--baseline", "no/where.json", "cfg.yaml"], "cannot write `no/where.json`"),
    ],
)
def test_what_cannot_be_run_exits_2_with_one_sentence(config, pruneconf, arguments, message):
    done = pruneconf("lint", *arguments)
    assert (done.returncode, done.stdout, config.read_text()) == (2, "", OLD)
    assert message in done.stderr


def test_added_comments_silence_what_is_found(config, pruneconf, snapshot):
    done = pruneconf("lint", "--add-ignores", "cfg.yaml")
    assert done.returncode == 0
    assert (config.read_text(), done.stdout, done.stderr) == snapshot
    summary = json.loads(pruneconf("lint", "--format", "json", "cfg.yaml").stdout)["summary"]
    assert (summary["errors"], summary["warnings"], summary["suppressed"]) == (0, 0, 3)


def test_json_has_no_comments(tmp_path, pruneconf):
    (tmp_path / "cfg.json").write_text('[{"op_types": ["a", "a"], "sparsity": 2}]')
    done = pruneconf("lint", "--add-ignores", "cfg.json")
    assert done.returncode == 1
    assert done.stderr == "pruneconf: `cfg.json` is JSON, which has no comments: keep its findings in a `--baseline`\n"


def test_a_baseline_is_written_then_leaves_out_what_it_knows_then_shrinks(config, tmp_path, pruneconf):
    known = tmp_path / "ci" / "known.json"
    known.parent.mkdir()
    first = pruneconf("lint", "--baseline", "ci/known.json", "cfg.yaml")
    assert first.returncode == 1, "the run that writes it says what it holds"
    assert json.loads(known.read_text()) == {
        "format": 1,
        "findings": {"../cfg.yaml": {"PC103": 1, "PC110": 1, "PC601": 1}},
    }
    assert pruneconf("lint", "--baseline", "ci/known.json", "cfg.yaml").returncode == 0
    config.write_text(OLD.replace("80", "0.8"))
    pruneconf("lint", "--baseline", "ci/known.json", "--select", "PC110", "cfg.yaml")
    assert json.loads(known.read_text())["findings"]["../cfg.yaml"]["PC103"] == 1, "PC103 had no say"
    assert pruneconf("lint", "--baseline", "ci/known.json", "cfg.yaml").stderr.endswith(
        "has shrunk: fewer findings than it knew\n"
    )
    assert json.loads(known.read_text())["findings"] == {"../cfg.yaml": {"PC110": 1, "PC601": 1}}
    config.write_text(OLD)
    again = pruneconf("lint", "--baseline", "ci/known.json", "cfg.yaml")
    assert again.returncode == 1
    assert again.stdout.count("error[") == 1


def test_a_rule_that_finds_more_than_is_known_is_reported_whole(config, pruneconf):
    pruneconf("lint", "--baseline", "known.json", "cfg.yaml")
    config.write_text(OLD.replace("['a']", "['a', b, b]"))
    done = pruneconf("lint", "--baseline", "known.json", "--strict", "cfg.yaml")
    assert done.returncode == 1
    assert done.stdout.count("PC110]") == 2
    assert "2 suppressed" in done.stdout


def test_a_baseline_forgets_files_that_are_gone_and_no_others(config, tmp_path, pruneconf):
    other, third = tmp_path / "other.yaml", tmp_path / "third.yaml"
    for path in (other, third):
        path.write_text(OLD)
    pruneconf("lint", "--baseline", "known.json", "cfg.yaml", "other.yaml", "third.yaml")
    other.unlink()
    done = pruneconf("lint", "--baseline", "known.json", "cfg.yaml")
    assert done.returncode == 0
    assert list(json.loads((tmp_path / "known.json").read_text())["findings"]) == ["cfg.yaml", "third.yaml"]


def test_fixing_shrinks_a_baseline(config, tmp_path, pruneconf):
    pruneconf("lint", "--baseline", "known.json", "cfg.yaml")
    done = pruneconf("lint", "--fix", "--baseline", "known.json", "cfg.yaml")
    assert (done.returncode, config.read_text()) == (0, SAFE)
    assert json.loads((tmp_path / "known.json").read_text())["findings"] == {"cfg.yaml": {"PC103": 1}}


def test_fix_removes_comments_that_silence_nothing(config, pruneconf):
    config.write_text(
        "# pruneconf: ignore-file[PC110, PC601] old ones\n"
        "# ours\n"
        "- op_types: [Conv2d, Conv2d]  # all # pruneconf: ignore[PC406] gone\n"
        "  # pruneconf: ignore[extreme-ratio]\n"
        "  sparsity_per_layer: 0.5\n"
    )
    assert pruneconf("lint", "--strict", "cfg.yaml").stdout.count("PC901]") == 3
    done = pruneconf("lint", "--fix", "--strict", "cfg.yaml")
    assert done.returncode == 0
    assert config.read_text() == (
        "# pruneconf: ignore-file[PC110] old ones\n"
        "# ours\n"
        "- op_types: [Conv2d, Conv2d]  # all\n"
        "  sparsity_per_layer: 0.5\n"
    )


def test_reports_go_where_the_text_does_not(config, tmp_path, pruneconf):
    done = pruneconf("lint", "--diff", "--output", "json:out.json", "cfg.yaml")
    assert done.stdout.startswith("--- cfg.yaml\n")
    said, _, report = done.stderr.partition("\n")
    assert said == "pruneconf: would fix 2 findings in `cfg.yaml`"
    assert "PC103" in report
    assert json.loads((tmp_path / "out.json").read_text())["summary"]["errors"] == 1
    pruneconf("lint", "--add-ignores", "cfg.yaml")
    for form in ("sarif", "github", "gitlab"):
        assert "PC103" not in pruneconf("lint", "--format", form, "cfg.yaml").stdout.partition('"results"')[2]


@pytest.mark.parametrize("option", ["--fix", "--add-ignores", "--diff"])
def test_an_empty_file_stays_empty(tmp_path, pruneconf, option):
    (tmp_path / "empty.yaml").write_text("")
    done = pruneconf("lint", option, "empty.yaml")
    assert done.returncode == 1
    assert "PC004" in done.stdout + done.stderr
    assert (tmp_path / "empty.yaml").read_text() == ""
