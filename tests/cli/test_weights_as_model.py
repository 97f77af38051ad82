"""A `.safetensors` file or an index of several as MODEL: names and shapes, no torch, and silence about the rest."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from pruneconf.config.schema import schema_text
from tests.conftest import Run

BYTES = {"F32": 4, "BF16": 2, "I8": 1, "I64": 8}
STATE = {
    "conv1.weight": ("F32", [8, 3, 3, 3]),
    "bn1.weight": ("F32", [8]),
    "bn1.bias": ("F32", [8]),
    "bn1.running_mean": ("F32", [8]),
    "bn1.num_batches_tracked": ("I64", []),
    "blocks.10.fc.weight": ("F32", [4, 8]),
    "blocks.2.fc.weight": ("BF16", [4, 8]),
    "quantized.weight": ("I8", [3, 3]),
    "normed.weight_g": ("F32", [4, 1]),
    "normed.weight_v": ("F32", [4, 8]),
    "experts.gate_up_proj": ("F32", [2, 4, 8]),
}
NAMES = "- op_names: [blocks.10.fc, blocks.2.fc]\n  sparsity_per_layer: 0.5\n"
FAULTY = """\
- op_types: [Linaer]
  op_names: [block.2.fc, blocks, normed, quantized]
  op_partial_names: [conv, convs]
  sparsity_per_layer: 0.5
"""


def write(path: Path, state: Mapping[str, tuple[str, list[int]]]) -> None:
    entries, end = {}, 0
    for name, (dtype, shape) in state.items():
        size = BYTES[dtype]
        for each in shape:
            size *= each
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(range(1, 251)) * (end // 250) + bytes(end % 250))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    write(tmp_path / "w.safetensors", STATE)
    (tmp_path / "cfg.yaml").write_text(NAMES)
    (tmp_path / "faulty.yaml").write_text(FAULTY)
    (tmp_path / "types.yaml").write_text("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n")
    return tmp_path


def shards(folder: Path) -> None:
    weight_map = {name: f"model-{1 + (i > 4)}.safetensors" for i, name in enumerate(STATE)}
    for file in sorted(set(weight_map.values())):
        write(folder / file, {name: STATE[name] for name, where in weight_map.items() if where == file})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def test_trace(weights: Path, pruneconf: Run, snapshot: SnapshotAssertion) -> None:
    assert pruneconf("trace", "w.safetensors").returncode == 0
    text = (weights / "w.graph.json").read_text()
    jsonschema.validate(json.loads(text), json.loads(schema_text("graph")))
    assert text == snapshot
    shards(weights)
    assert pruneconf("trace", "model.safetensors.index.json").returncode == 0
    assert (weights / "model.graph.json").read_text().replace("model.safetensors.index.json", "w.safetensors") == text


@pytest.mark.parametrize(
    "command",
    [
        "lint w.safetensors cfg.yaml",
        "lint w.safetensors faulty.yaml",
        "lint w.safetensors types.yaml",
        "lint --pruner l1 w.safetensors cfg.yaml",
        "show w.safetensors cfg.yaml",
        "show w.safetensors types.yaml",
        "show --groups w.safetensors",
        "init w.safetensors",
        "lint --input 1,3 w.safetensors cfg.yaml",
    ],
)
@pytest.mark.usefixtures("weights")
def test_what_is_said(pruneconf: Run, tmp_path: Path, snapshot: SnapshotAssertion, command: str) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "torch.py").write_text("raise ImportError('torch must not be imported')\n")
    path = os.pathsep.join([str(tmp_path / "without"), os.environ.get("PYTHONPATH", "")])
    done = pruneconf(*command.split(), PYTHONPATH=path)
    assert f"{done.stdout}---\n{done.stderr}---\n{done.returncode}" == snapshot


@pytest.mark.parametrize("model", ["w.safetensors", "model.safetensors.index.json"])
def test_apply_and_verify(weights: Path, pruneconf: Run, model: str) -> None:
    shards(weights)
    done = pruneconf("apply", model, "cfg.yaml", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert "32 of 288 weights masked" in done.stdout
    assert "satisfies" in pruneconf("verify", model, "cfg.yaml", "out").stdout


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_a_directory_of_distributed_checkpoint(weights: Path, pruneconf: Run) -> None:
    """It holds what the safetensors file does, and torch is not needed to find that out."""
    checkpoint = pytest.importorskip("torch.distributed.checkpoint")
    from safetensors.torch import load_file

    state = {"model": load_file(weights / "w.safetensors"), "optim": {"lr": 0.1}}
    checkpoint.save(state, checkpoint_id=weights / "dcp", no_dist=True)
    (weights / "without").mkdir()
    (weights / "without" / "torch.py").write_text("raise ImportError('torch must not be imported')\n")
    path = os.pathsep.join([str(weights / "without"), os.environ.get("PYTHONPATH", "")])
    for command in ("lint {} cfg.yaml", "lint {} faulty.yaml", "show {} cfg.yaml", "trace {} -o it.graph.json"):
        there, here = (pruneconf(*command.format(model).split(), PYTHONPATH=path) for model in ("dcp", "w.safetensors"))
        said = (there.stdout + there.stderr).replace("dcp/.metadata", "dcp").replace("dcp", "w.safetensors")
        assert (there.returncode, said) == (here.returncode, here.stdout + here.stderr)
    done = pruneconf("apply", "dcp", "cfg.yaml", "-o", "out")
    assert "32 of 288 weights masked" in done.stdout, done.stderr
    assert "satisfies" in pruneconf("verify", "dcp", "cfg.yaml", "out").stdout


def test_a_config_beside_it_that_is_not_of_transformers_does_not_count(weights: Path, pruneconf: Run) -> None:
    (weights / "config.json").write_text('{"architecture": "resnet18"}')
    assert pruneconf("lint", "w.safetensors", "cfg.yaml").returncode == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01\x02",
        struct.pack("<Q", 1 << 60) + b"{}",
        struct.pack("<Q", 5) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"{}tail",
        struct.pack("<Q", 9) + b'{"a": {}}',
        struct.pack("<Q", 59) + b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0,0]}}',
    ],
)
def test_a_damaged_file(weights: Path, pruneconf: Run, content: bytes) -> None:
    (weights / "w.safetensors").write_bytes(content)
    done = pruneconf("lint", "w.safetensors", "cfg.yaml")
    message = "`w.safetensors` is damaged or no safetensors file; copy or write it again"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"pruneconf: {message}\n")


def test_a_shard_that_is_missing(weights: Path, pruneconf: Run) -> None:
    shards(weights)
    (weights / "model-2.safetensors").unlink()
    done = pruneconf("lint", "model.safetensors.index.json", "cfg.yaml")
    assert done.returncode == 2
    assert "names the shard `model-2.safetensors`, which is missing" in done.stderr
