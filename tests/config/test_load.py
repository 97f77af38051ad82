"""`pruneconf.load`: files and lists of dicts; what is no config is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pruneconf
from pruneconf import PruneconfError


def test_a_list_says_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "cfg.yaml").write_text("- op_types: [Conv2d]\n  total_sparsity: 0.29\n")
    from_file = pruneconf.load(tmp_path / "cfg.yaml")
    from_list = pruneconf.load([{"op_types": ["Conv2d"], "total_sparsity": 0.29}])
    assert from_list.sub_configs == from_file.sub_configs
    assert pruneconf.load(str(tmp_path / "cfg.yaml")).sub_configs == from_file.sub_configs


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            [{"op_names": ["a"], "exclue": True}],
            "the config list is not valid: PC101 at `/0/exclue`; `pruneconf explain PC101` says more",
        ),
        (
            {"op_names": ["a"], "exclude": True},
            "the config list is not valid: PC004 at `/`; `pruneconf explain PC004` says more",
        ),
        (
            [{"op_names": ["a"], "total_sparsity": object()}],
            (
                "a config list holds plain data only: Object of type object is not JSON serializable; "
                "write lists, strings and numbers"
            ),
        ),
        (
            [{"op_names": ["a"], "total_sparsity": float("nan")}],
            "a config list holds plain data only: Out of range float values are not JSON compliant",
        ),
    ],
)
def test_what_is_no_config_is_one_sentence(source: Any, sentence: str) -> None:
    with pytest.raises(PruneconfError) as error:
        pruneconf.load(source)
    assert str(error.value).startswith(sentence)


def test_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "cfg.yaml").write_text("- op_names: [a]\n  exclue: true\n")
    with pytest.raises(PruneconfError, match=r"cfg\.yaml` line 2 is not a valid config \(PC101 at `/0/exclue`\); run"):
        pruneconf.load(tmp_path / "cfg.yaml")
