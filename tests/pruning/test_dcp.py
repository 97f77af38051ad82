"""Directories that torch.distributed.checkpoint wrote, as one process or several do, sound and damaged."""

import contextlib
import io
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import dcp_save
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tied import Tied, plan_of

from pruneconf import PruneconfError
from pruneconf.distcp import read_metadata
from pruneconf.pruning import apply, checkpoint, forecast, open_checkpoint, verify

if not torch.distributed.is_available():
    pytest.skip("this torch has no torch.distributed", allow_module_level=True)

from torch.distributed import checkpoint as dcp

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled", "ignore:Detected an existing")

SHARDED = [{"op_types": ["Linear", "Conv2d"], "total_sparsity": 0.6, "max_sparsity_per_layer": 0.7}]


def saved(state, folder):
    dcp.save(state, checkpoint_id=folder, no_dist=True)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where four processes have saved models in shards."""
    folder = tmp_path_factory.mktemp("dcp")
    subprocess.run([sys.executable, dcp_save.__file__, folder], check=True, timeout=100)
    return folder


def same_tensors(one, other):
    one, other = load_file(one), load_file(other)
    return one.keys() == other.keys() and all(
        one[name].dtype == tensor.dtype and torch.equal(one[name], tensor) for name, tensor in other.items()
    )


def check_like_safetensors(plan, source, state, folder, files):
    """What `apply` makes of a checkpoint has the tensors and the masks that it makes of a safetensors file."""
    before = files(source)
    save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, folder / "w.safetensors")
    report = apply(plan, source, folder / "out")
    wanted = apply(plan, folder / "w.safetensors", folder / "wanted")
    assert files(source) == before
    for file in ("model.safetensors", "masks.safetensors"):
        assert same_tensors(folder / "out" / file, folder / "wanted" / file)
    assert report.layers == wanted.layers
    assert verify(plan, folder / "out").faults == ()
    return report


@pytest.mark.parametrize("form", ["fsdp", "grid"])
def test_models_in_shards(home, form, tmp_path, files):
    plan = plan_of(dcp_save.model(), SHARDED)
    report = check_like_safetensors(plan, home / form, dcp_save.model().state_dict(), tmp_path, files)
    assert {str(home / form / name) for name in files(home / form)} <= report.inputs.keys()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "masks.safetensors",
        "model.safetensors",
        "report.json",
    ]


def flat(state):
    return state


def with_optimizer(state):
    return {"model": state, "optim": {"state": {0: {"exp_avg": torch.ones(8, 8)}}, "lr": 0.1}, "epoch": 3}


def in_app(state):
    return {"app": {"model": state, "optim": {"lr": torch.ones(())}}, "step": torch.tensor(7)}


def beside_others(state):
    """As torchtitan saves."""
    return {**state, "optimizer": {"state.hidden.weight.exp_avg": torch.ones(8, 8)}, "train_state": {"step": 3}}


def not_in_rows(state):
    return {name: tensor.t().contiguous().t() if tensor.ndim == 2 else tensor for name, tensor in state.items()}


@pytest.mark.parametrize("form", [flat, with_optimizer, in_app, beside_others, not_in_rows])
def test_forms(model, plan, form, tmp_path, files):
    state = model.state_dict()
    source = saved(form(state), tmp_path / "in")
    (source / "config.json").write_text("{}")
    (source / "__0.metadata").write_text("of a process")
    check_like_safetensors(plan, source, state, tmp_path, files)
    assert (tmp_path / "out" / "config.json").read_text() == "{}"
    assert not (tmp_path / "out" / "__0.metadata").exists()


def test_the_metadata_names_the_checkpoint_too(model, plan, tmp_path):
    source = saved(model.state_dict(), tmp_path / "in")
    (source / "config.json").write_text("{}")
    apply(plan, source / ".metadata", tmp_path / "out")
    assert not (tmp_path / "out" / "config.json").exists()


def test_a_large_one_becomes_shards(model, plan, tmp_path, monkeypatch):
    source = saved(model.state_dict(), tmp_path / "in")
    apply(plan, source, tmp_path / "whole")
    monkeypatch.setattr(checkpoint, "_SHARD", 400)
    report = apply(plan, source, tmp_path / "out", resume=True)
    found = open_checkpoint(tmp_path / "out")
    assert [shard.file for shard in found.shards] == [f"model-0000{i}-of-00004.safetensors" for i in range(1, 5)]
    assert {shard.file for shard in found.shards} <= report.outputs.keys()
    whole = open_checkpoint(tmp_path / "whole").tensors
    assert found.tensors.keys() == whole.keys()
    assert all(tensor.data[:].tobytes() == whole[name].data[:].tobytes() for name, tensor in found.tensors.items())


def test_verify_and_dry_run(model, plan, tmp_path):
    source = saved({"model": model.state_dict()}, tmp_path / "in")
    assert [fault.reason for fault in verify(plan, source).faults]
    apply(plan, source, tmp_path / "out", masks="none")
    pruned = saved(load_file(tmp_path / "out" / "model.safetensors"), tmp_path / "pruned")
    assert verify(plan, pruned).ok
    assert forecast(plan, source, tmp_path / "new").files == 2


def test_metadata_of_other_versions_of_python_and_torch(model, tmp_path):
    folder = saved(model.state_dict(), tmp_path / "in")
    wanted = read_metadata(folder / ".metadata")
    content = pickle.dumps(dcp.FileSystemReader(folder).read_metadata(), protocol=2)
    old = b"torch.distributed._shard.sharded_tensor.metadata"
    for now, then in (
        (b"pathlib\nPosixPath", b"pathlib._local\nWindowsPath"),
        (b"torch.distributed.checkpoint.metadata\nTensorProperties", old + b"\nTensorProperties"),
        (b"torch.distributed.checkpoint.metadata\n_MEM_FORMAT_ENCODING", old + b"\nMEM_FORMAT_ENCODING"),
    ):
        assert now in content
        content = content.replace(now, then)
    (folder / ".metadata").write_bytes(content)
    assert read_metadata(folder / ".metadata") == wanted


def test_metadata_that_names_members_of_enums(model, tmp_path, monkeypatch):
    """As Python 3.11.0 to 3.11.3 writes them."""
    folder = saved(model.state_dict(), tmp_path / "in")
    wanted = read_metadata(folder / ".metadata")
    metadata = dcp.FileSystemReader(folder).read_metadata()
    encoding = dcp.metadata._MEM_FORMAT_ENCODING
    monkeypatch.setattr(encoding, "__reduce_ex__", lambda self, _: (getattr, (type(self), self.name)))
    content = pickle.dumps(metadata, protocol=2)
    assert b"getattr" in content
    (folder / ".metadata").write_bytes(content)
    assert read_metadata(folder / ".metadata") == wanted


def rewritten(change):
    """What changes the `.metadata` of a checkpoint, as torch reads it."""

    def damage(folder):
        metadata = dcp.FileSystemReader(folder).read_metadata()
        weight = metadata.state_dict_metadata["hidden.weight"]
        key = next(index for index in metadata.storage_data if index.fqn == "hidden.weight")
        change(metadata, weight, metadata.storage_data[key])
        (folder / ".metadata").write_bytes(pickle.dumps(metadata))

    damage.__name__ = change.__name__
    return damage


def truncated(folder):
    path = folder / "__0_0.distcp"
    path.write_bytes(path.read_bytes()[:-900])


def missing(folder):
    (folder / "__0_0.distcp").unlink()


def other_bytes(folder):
    path = folder / "__0_0.distcp"
    path.write_bytes(bytes(path.stat().st_size))


def no_metadata(folder):
    (folder / ".metadata").unlink()


def empty_metadata(folder):
    (folder / ".metadata").write_bytes(b"")


def half_metadata(folder):
    path = folder / ".metadata"
    path.write_bytes(path.read_bytes()[:500])


def other_pickle(folder):
    (folder / ".metadata").write_bytes(pickle.dumps([1, 2]))


def with_code(folder):
    (folder / ".metadata").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")


def with_torch_code(folder):
    (folder / ".metadata").write_bytes(b"ctorch\nload\n(S'pwned'\ntR.")


def of_another_save(folder):
    shutil.rmtree(folder)
    saved({**Tied().state_dict(), "hidden.weight": torch.ones(8, 4, dtype=torch.float64)}, folder)
    (folder / "__0_0.distcp").rename(folder / "kept")
    saved(Tied().state_dict(), folder)
    (folder / "kept").rename(folder / "__0_0.distcp")


def python_state(folder):
    saved({"model": {**Tied().state_dict(), "hidden._extra_state": {"scale": 3}}}, folder)


def only_an_optimizer(folder):
    saved({"optim": {"exp_avg": torch.ones(3)}, "epoch": 3}, folder)


def of_complex128(folder):
    saved({**Tied().state_dict(), "phase": torch.ones(2, dtype=torch.complex128)}, folder)


@rewritten
def a_gap(metadata, weight, info):
    weight.chunks[0].sizes = torch.Size([7, 8])


@rewritten
def an_overlap(metadata, weight, info):
    chunk = type(weight.chunks[0])
    weight.chunks = [
        chunk(torch.Size([0, 0]), torch.Size([6, 6])),
        chunk(torch.Size([2, 0]), torch.Size([2, 8])),
        chunk(torch.Size([4, 4]), torch.Size([4, 3])),
    ]
    for each in weight.chunks:
        metadata.storage_data[dcp.metadata.MetadataIndex("hidden.weight", each.offsets)] = info


@rewritten
def outside(metadata, weight, info):
    weight.chunks[0].offsets = torch.Size([0, 1])
    metadata.storage_data[dcp.metadata.MetadataIndex("hidden.weight", weight.chunks[0].offsets)] = info


@rewritten
def another_dtype(metadata, weight, info):
    weight.properties.dtype = torch.float16


@rewritten
def no_place(metadata, weight, info):
    metadata.storage_data = {}


@rewritten
def a_wrong_place(metadata, weight, info):
    info.offset += 64


@rewritten
def a_wrong_length(metadata, weight, info):
    info.length -= 64


@rewritten
def a_negative_offset(metadata, weight, info):
    info.offset = -64


@rewritten
def a_file_elsewhere(metadata, weight, info):
    info.relative_path = "../in/__0_0.distcp"


@rewritten
def compressed(metadata, weight, info):
    info.transform_descriptors = ["stream.zstd"]


def packed(folder):
    """As another tool may write the part, but with the size that it had."""
    path, metadata = folder / "__0_0.distcp", dcp.FileSystemReader(folder).read_metadata()
    info = next(info for index, info in metadata.storage_data.items() if index.fqn == "hidden.weight")
    content, found = path.read_bytes(), io.BytesIO()
    part = content[info.offset : info.offset + info.length]
    with zipfile.ZipFile(io.BytesIO(part)) as old, zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    path.write_bytes(content + found.getvalue())
    info.offset, info.length = len(content), len(found.getvalue())
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))


DAMAGES = [
    truncated,
    missing,
    other_bytes,
    no_metadata,
    empty_metadata,
    half_metadata,
    other_pickle,
    with_code,
    with_torch_code,
    of_another_save,
    python_state,
    only_an_optimizer,
    of_complex128,
    a_gap,
    an_overlap,
    outside,
    another_dtype,
    no_place,
    a_wrong_place,
    a_wrong_length,
    a_negative_offset,
    a_file_elsewhere,
    compressed,
    packed,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damages(model, plan, damage, tmp_path, monkeypatch, files, snapshot):
    monkeypatch.chdir(tmp_path)
    damage(saved(model.state_dict(), Path("in")))
    before = files(Path("in"))
    with pytest.raises(PruneconfError) as caught:
        apply(plan, Path("in"), Path("out"))
    assert str(caught.value) == snapshot
    assert files(Path("in")) == before
    assert [path.name for path in Path().iterdir()] == ["in"]


def test_changed_while_it_is_read(model, plan, tmp_path):
    source = saved(model.state_dict(), tmp_path / "in")

    def touch(phase, done, total):
        if phase == "writing" and done:
            (source / "__0_0.distcp").touch()

    with pytest.raises(PruneconfError, match=r"__0_0.distcp` changed while it was read; run again"):
        apply(plan, source, tmp_path / "out", progress=touch)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = saved({"model": Tied().state_dict()}, tmp_path_factory.mktemp("sound") / "in")
    return folder / ".metadata", (folder / ".metadata").read_bytes()


@given(st.data())
@settings(deadline=None)
def test_any_damage_of_the_metadata_is_told(sound, data):
    """Whatever some of its bytes become, it is read or refused; nothing is run."""
    path, content = sound
    damaged = bytearray(content)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
    with contextlib.suppress(PruneconfError):
        read_metadata(path)
    path.write_bytes(content)
