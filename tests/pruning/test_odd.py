"""Checkpoints that are unusual: those that are legal are pruned exactly, of others one sentence says what to do."""

import json
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tied import plan_of

from pruneconf import PruneconfError
from pruneconf.pruning import apply, open_checkpoint, verify

INDEX = "model.safetensors.index.json"


@pytest.fixture
def state(tmp_path, monkeypatch):
    """Weights of three dtypes, and an empty directory `in`."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    torch.manual_seed(0)
    return net().state_dict()


def net():
    dtypes = (torch.float32, torch.bfloat16, torch.float16)
    return torch.nn.Sequential(*[torch.nn.Linear(16, 16, dtype=dtype) for dtype in dtypes])


def shards(*parts, **listed):
    """Write shards with an index that also lists others."""
    files = {f"model-{i}.safetensors": part for i, part in enumerate(parts)}
    for file, part in files.items():
        save_file({name: tensor.contiguous().clone() for name, tensor in part.items()}, Path("in", file))
    weight_map = {name: file for file, part in files.items() for name in part}
    Path("in", INDEX).write_text(json.dumps({"weight_map": weight_map | listed}))


def some_odd_tensors(state):
    state |= {"none": torch.zeros(0, 4), "one": torch.tensor(2.5), "yes": torch.tensor(True)}
    state |= {"ümläut/шаг": torch.ones(3), "../up": torch.ones(2), '\n"\\': torch.ones(2), "": torch.ones(1)}
    state |= {"double": torch.ones(3, dtype=torch.float64), "eight": torch.ones(5).to(torch.float8_e4m3fn)}
    save_file(state, "in/model.safetensors", {"author": 'Žofie 😀\n"'})
    return "in"


def a_long_header(state):
    state |= {f"{'x' * 200}.{i}": torch.zeros(1) for i in range(5000)}
    save_file(state, "in/model.safetensors")
    return "in"


def many_storages(state):
    """With storages of all sizes, and none."""
    state |= {f"x.{i}": torch.randn(7 * i) for i in range(40)}
    torch.save(state, "in.pt")
    return "in.pt"


def many_shards(state):
    state |= {f"x.{i}": torch.full((3,), i) for i in range(1000 - len(state))}
    shards(*({name: tensor} for name, tensor in state.items()))
    return "in"


def a_shard_of_nothing(state):
    state["none"] = torch.zeros(0, 5)
    shards({name: tensor for name, tensor in state.items() if name != "none"}, {"none": state["none"]})
    return "in"


def a_linked_shard(state):
    shards(state)
    Path("blobs").mkdir()
    Path("in/model-0.safetensors").rename("blobs/1234")
    Path("in/model-0.safetensors").symlink_to("../blobs/1234")
    return "in"


def a_directory_that_is_read_only(state):
    shards(state)
    Path("in", INDEX).chmod(0o400)
    Path("in").chmod(0o500)
    return "in"


def views_of_one_storage(state):
    base = torch.randn(300)
    state |= {"0.weight": base[:256].view(16, 16), "some": base[100:200:3], "same": base[:1].expand(5, 4), "all": base}
    torch.save(state, "in.pt")
    return "in.pt"


def tensors_in_another_order(state):
    state |= {"0.weight": torch.randn(16, 16).t(), "last": torch.randn(2, 3, 4, 5).permute(3, 0, 2, 1)}
    torch.save(state, "in.pt")
    return "in.pt"


def a_dict_in_a_dict(state):
    torch.save({"model": {"state_dict": state}, "epoch": 3}, "in.pt")
    return "in.pt"


def repacked(state, compression, order, arranged=list):
    torch.save(state, "usual")
    with zipfile.ZipFile("usual") as old, zipfile.ZipFile("in.pt", "w", compression) as new:
        for name in arranged(old.namelist()):
            new.writestr(name, order.encode() if name.endswith("byteorder") else old.read(name))
    Path("usual").unlink()


def another_byte_order(state):
    patterns = {name: tensor.view(getattr(torch, f"int{8 * tensor.itemsize}")) for name, tensor in state.items()}
    turned = {
        name: torch.from_numpy(tensor.numpy().byteswap()).view(state[name].dtype) for name, tensor in patterns.items()
    }
    repacked(turned, zipfile.ZIP_STORED, {"little": "big", "big": "little"}[sys.byteorder])
    return "in.pt"


def compressed(state):
    repacked(state, zipfile.ZIP_DEFLATED, sys.byteorder)
    return "in.pt"


def packed_by_another_tool(state):
    repacked(state, zipfile.ZIP_STORED, sys.byteorder)
    return "in.pt"


def packed_in_another_order(state):
    repacked(state, zipfile.ZIP_STORED, sys.byteorder, sorted)
    return "in.pt"


def shards_of_torch(state):
    names = sorted(state)
    for i, part in enumerate((names[:3], names[3:])):
        torch.save({name: state[name] for name in part}, f"in/pytorch_model-{i}.bin")
    weight_map = {name: f"pytorch_model-{int(i > 2)}.bin" for i, name in enumerate(names)}
    Path("in/pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {"ü": 1}, "weight_map": weight_map}))
    return "in"


LEGAL = [
    some_odd_tensors,
    a_long_header,
    many_shards,
    many_storages,
    a_shard_of_nothing,
    a_linked_shard,
    a_directory_that_is_read_only,
    views_of_one_storage,
    tensors_in_another_order,
    a_dict_in_a_dict,
    another_byte_order,
    compressed,
    packed_by_another_tool,
    packed_in_another_order,
    shards_of_torch,
]


@pytest.mark.parametrize("make", LEGAL, ids=lambda make: make.__name__)
def test_legal_ones_are_pruned_exactly(state, make, files):
    source = Path(make(state))
    before = files(Path())
    plan = plan_of(net(), [{"op_types": ["Linear"], "total_sparsity": 0.5}])
    apply(plan, source, Path("out"))
    assert {name: content for name, content in files(Path()).items() if not name.startswith("out/")} == before
    check_pruned(state)
    assert verify(plan, Path("out")).faults == ()


def check_pruned(state):
    """What lost half of its elements lost those of the lowest magnitude; all else is as it was."""
    masks = load_file("out/masks.safetensors")
    found = {name: tensor for shard in open_checkpoint(Path("out")).shards for name, tensor in shard.tensors.items()}
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        kept = torch.where(masks[name], tensor, torch.zeros((), dtype=tensor.dtype)) if name in masks else tensor
        assert found[name].shape == tuple(tensor.shape)
        assert found[name].data[:].tobytes() == kept.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    magnitudes = torch.cat([state[name].abs().double().reshape(-1) for name in masks])
    keep = torch.cat([mask.reshape(-1) for mask in masks.values()])
    assert magnitudes[~keep].max() <= magnitudes[keep].min()
    assert int((~keep).sum()) == keep.numel() // 2


def in_two_shards(state):
    shards(state, {"0.weight": state["0.weight"]})


def a_missing_shard(state):
    shards(state, more="model-9.safetensors")


def a_shard_elsewhere(state):
    save_file(state, "elsewhere.safetensors")
    shards(state, more="../elsewhere.safetensors")


def an_index_that_is_too_deep(state):
    Path("in", INDEX).write_text("[" * 100_000)


def a_shard_with_the_name_of_the_masks(state):
    shards(state)
    Path("in/model-0.safetensors").rename("in/masks.safetensors")
    Path("in", INDEX).write_text(json.dumps({"weight_map": dict.fromkeys(state, "masks.safetensors")}))


def two_shards_with_one_name(state):
    torch.save(state, "in/model-1.bin")
    torch.save({"more": torch.ones(1)}, "in/pytorch_model-1.bin")
    weight_map = dict.fromkeys(state, "model-1.bin") | {"more": "pytorch_model-1.bin"}
    Path("in/pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))


ILLEGAL = [
    in_two_shards,
    a_missing_shard,
    a_shard_elsewhere,
    an_index_that_is_too_deep,
    a_shard_with_the_name_of_the_masks,
    two_shards_with_one_name,
]


@pytest.mark.parametrize("make", ILLEGAL, ids=lambda make: make.__name__)
def test_a_sentence_says_what_is_wrong_with_others(state, make, files, snapshot):
    make(state)
    before, names = files(Path()), sorted(Path().iterdir())
    with pytest.raises(PruneconfError) as caught:
        apply(plan_of(net(), [{"op_types": ["Linear"], "total_sparsity": 0.5}]), Path("in"), Path("out"))
    assert str(caught.value) == snapshot
    assert (files(Path()), sorted(Path().iterdir())) == (before, names)


@pytest.mark.parametrize("out", ["in", "in/.", "link", "in/out", "."])
def test_no_output_into_the_input(state, out, files):
    shards(state)
    Path("link").symlink_to("in")
    before = files(Path())
    with pytest.raises(PruneconfError, match=r"never overwritten|inside the input"):
        apply(plan_of(net(), [{"op_types": ["Linear"], "total_sparsity": 0.5}]), Path("in"), Path(out), force=True)
    assert files(Path()) == before
