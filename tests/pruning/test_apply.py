"""`apply`: from a plan and weights in any form to a directory, whole or not at all."""

import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from strict_device import NAME
from tied import Tied, plan_of

import pruneconf
from pruneconf import PruneconfError
from pruneconf.pruning import apply, unpack, verify
from pruneconf.pruning.device import device_named


def state_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def as_safetensors(model, folder):
    path = folder / "weights.safetensors"
    save_file(state_of(model), path, metadata={"format": "pt", "note": "größe"})
    return path


def as_shards(model, folder):
    state = state_of(model)
    names = sorted(state)
    files = {"model-00001-of-00002.safetensors": names[:4], "model-00002-of-00002.safetensors": names[4:]}
    for file, part in files.items():
        save_file({name: state[name] for name in part}, folder / file, metadata={"format": "pt"})
    index = {"metadata": {"total_size": 1}, "weight_map": {name: file for file, part in files.items() for name in part}}
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps(index))
    return path


def as_folder(model, folder):
    as_shards(model, folder)
    (folder / "config.json").write_text('{"model_type": "tied"}')
    (folder / "pytorch_model.bin").write_bytes(b"the same weights, dense")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref")
    return folder


def as_pickle_shards(model, folder):
    index = as_shards(model, folder)
    for path in folder.glob("*.safetensors"):
        torch.save(load_file(path), folder / f"pytorch_{path.stem}.bin")
        path.unlink()
    text = index.read_text().replace("model-", "pytorch_model-").replace(".safetensors", ".bin")
    index.unlink()
    (folder / "pytorch_model.bin.index.json").write_text(text)
    return folder


def as_pt(model, folder):
    torch.save(model.state_dict(), folder / "weights.pt")
    return folder / "weights.pt"


def as_training_checkpoint(model, folder):
    torch.save({"epoch": 3, "state_dict": model.state_dict()}, folder / "last.ckpt")
    return folder / "last.ckpt"


def as_legacy_pt(model, folder):
    torch.save(model.state_dict(), folder / "old.bin", _use_new_zipfile_serialization=False)
    return folder / "old.bin"


FORMS = [as_safetensors, as_shards, as_pickle_shards, as_folder, as_pt, as_training_checkpoint, as_legacy_pt]
each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__.removeprefix("as_"))


@pytest.fixture
def source(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def written(out):
    """All tensors of an output directory, shards and all."""
    return {name: tensor for path in out.glob("model*.safetensors") for name, tensor in load_file(path).items()}


def bits(tensor):
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


@each_form
def test_every_form_gives_what_prune_gives(model, plan, form, source, out, files):
    path = form(model, source)
    before = files(source)
    report = apply(plan, path, out)
    assert files(source) == before
    masks = pruneconf.prune(model, plan)
    found = written(out)
    assert found.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(bits(found[name]), bits(tensor))
    stored = load_file(out / "masks.safetensors")
    assert stored.keys() == masks.keys()
    assert all(torch.equal(stored[name], mask) for name, mask in masks.items())
    assert [layer.masked for layer in report.layers] == [
        int((~masks[layer.parameter]).sum()) if layer.parameter in masks else 0 for layer in report.layers
    ]
    assert verify(plan, out).faults == ()


def test_the_built_model_is_a_source_and_stays_as_it_is(model, plan, out):
    before = state_of(model)
    apply(plan, model, out)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    fresh = Tied()
    fresh.load_state_dict(load_file(out / "model.safetensors"))
    pruneconf.prune(model, plan)
    assert all(torch.equal(tensor, fresh.state_dict()[name]) for name, tensor in model.state_dict().items())


def test_shards_keep_their_layout_and_a_folder_its_other_files(model, plan, source, out):
    apply(plan, as_folder(model, source), out)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "1_Pooling/config.json",
        "config.json",
        "masks.safetensors",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "report.json",
    ]
    index = "model.safetensors.index.json"
    assert (out / index).read_bytes() == (source / index).read_bytes()
    for shard in out.glob("model-*.safetensors"):
        assert load_file(shard).keys() == load_file(source / shard.name).keys()


def test_metadata_is_kept(model, plan, source, out):
    apply(plan, as_safetensors(model, source), out)
    with safe_open(out / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt", "note": "größe"}


def test_one_name_of_a_shared_weight_is_enough(model, plan, source, out):
    state = state_of(model)
    del state["embed.weight"]
    save_file(state, source / "w.safetensors")
    apply(plan, source / "w.safetensors", out)
    assert written(out).keys() == state.keys()
    masks = load_file(out / "masks.safetensors")
    assert int((written(out)["head.weight"] == 0).sum()) == int((~masks["embed.weight"]).sum()) == 27
    assert verify(plan, out).ok


@pytest.mark.parametrize("masks", ["bool", "packed", "none"])
def test_forms_of_masks(model, plan, out, masks):
    apply(plan, model, out, masks=masks)
    assert verify(plan, out).ok
    assert (out / "masks.safetensors").exists() == (masks != "none")
    wanted = pruneconf.prune(model, plan)
    if masks == "packed":
        for name, packed in load_file(out / "masks.safetensors").items():
            assert torch.equal(unpack(packed, wanted[name].shape), wanted[name])


def test_the_report(model, plan, source, out, monkeypatch):
    path = as_safetensors(model, source)
    monkeypatch.chdir(source.parent)
    calls = []
    report = apply(plan, path.relative_to(source.parent), Path("out"), progress=lambda *done: calls.append(done))
    data = json.loads((out / "report.json").read_text("utf-8"))
    schema = json.loads((Path(__file__).parents[2] / "schema" / "report-v1.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(data)
    assert data["inputs"] == {"in/weights.safetensors": subprocess_digest(path)}
    assert data["outputs"] == {
        name: subprocess_digest(out / name) for name in ("model.safetensors", "masks.safetensors")
    }
    found = written(out)
    for layer in data["layers"]:
        lost = model.state_dict()[layer["parameter"]][found[layer["parameter"]] == 0]
        assert layer["threshold"] == (float(lost.abs().max()) if lost.numel() else None)
    assert data["totals"]["masked"] == plan.masked == report.totals.masked
    assert list(dict.fromkeys(phase for phase, _, _ in calls)) == ["ranking", "writing", "flushing"]
    assert ("writing", *[sum(tensor.nbytes for tensor in found.values())] * 2) in calls


def subprocess_digest(path):
    done = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


def test_infinity_ranks_last(out):
    model = torch.nn.Sequential(torch.nn.Linear(4, 1, bias=False))
    model[0].weight.data = torch.tensor([[float("inf"), 1.0, -float("inf"), 3e38]])
    apply(plan_of(model, [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]), model, out)
    assert written(out)["0.weight"].tolist() == [[float("inf"), 0, -float("inf"), 0]]


def truncated(state, path):
    save_file(state, path)
    path.write_bytes(path.read_bytes()[:-5])


def no_header(state, path):
    path.write_bytes(b"\x00\x01")


def wrong_length(state, path):
    save_file(state, path)
    path.write_bytes((1 << 40).to_bytes(8, "little") + path.read_bytes()[8:])


def garbled(state, path):
    save_file(state, path)
    path.write_bytes(path.read_bytes().replace(b'"dtype"', b'"dtipe"', 1))


def missing(state, path):
    del state["hidden.weight"], state["narrow.weight"]
    save_file(state, path)


def prefixed(state, path):
    save_file({f"model.{name}": tensor for name, tensor in state.items()}, path)


def misshapen(state, path):
    state["hidden.weight"] = torch.ones(8, 9)
    save_file(state, path)


def integers(state, path):
    state["narrow.weight"] = torch.ones(8, 8, dtype=torch.int8)
    save_file(state, path)


def nan(state, path):
    state["hidden.weight"][1, 1] = float("nan")
    save_file(state, path)


def torn(state, path):
    state["head.weight"][0, 0] += 1
    save_file(state, path)


@pytest.mark.parametrize("wrapped", ["module.{}", "_orig_mod.{}", "base_model.model.{}", "module._orig_mod.{}"])
def test_a_checkpoint_of_the_wrapped_model(model, plan, tmp_path, wrapped):
    state = state_of(model)
    save_file(state, tmp_path / "plain.safetensors")
    save_file({wrapped.format(name): tensor for name, tensor in state.items()}, tmp_path / "wrapped.safetensors")
    apply(plan, tmp_path / "plain.safetensors", tmp_path / "plain")
    apply(plan, tmp_path / "wrapped.safetensors", tmp_path / "wrapped")
    plain, found = (load_file(tmp_path / name / "model.safetensors") for name in ("plain", "wrapped"))
    assert all(torch.equal(found.pop(wrapped.format(name)), tensor) for name, tensor in plain.items())
    assert not found
    assert verify(plan, tmp_path / "wrapped").ok


FAULTS = [truncated, no_header, wrong_length, garbled, missing, prefixed, misshapen, integers, nan, torn]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_unfit_weights_leave_nothing_behind(model, plan, tmp_path, monkeypatch, fault, snapshot):
    monkeypatch.chdir(tmp_path)
    fault(state_of(model), Path("w.safetensors"))
    with pytest.raises(PruneconfError) as caught:
        apply(plan, Path("w.safetensors"), Path("out"))
    assert re.sub(r"\(Error[^)]*\)", "(...)", str(caught.value)) == snapshot
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def absent(model):
    return Path("nowhere.safetensors")


def no_suffix(model):
    Path("weights.txt").touch()
    return Path("weights.txt")


def empty_folder(model):
    Path("empty").mkdir()
    return Path("empty")


def broken_index(model):
    Path("model.safetensors.index.json").write_text('{"weight_map": ["a"]}')
    return Path("model.safetensors.index.json")


def escaping_index(model):
    Path("model.safetensors.index.json").write_text('{"weight_map": {"a": "../secret.safetensors"}}')
    return Path("model.safetensors.index.json")


def lying_index(model):
    path = as_shards(model, Path())
    path.write_text(path.read_text().replace('"embed.weight"', '"embedding"'))
    return path


def lost_shard(model):
    path = as_shards(model, Path())
    Path("model-00002-of-00002.safetensors").unlink()
    return path


def whole_model(model):
    torch.save(model, "model.pt")
    return Path("model.pt")


def cut_pt(model):
    as_pt(model, Path())
    Path("weights.pt").write_bytes(Path("weights.pt").read_bytes()[:900])
    return Path("weights.pt")


def no_state_dict(model):
    torch.save([1, 2], "list.pt")
    return Path("list.pt")


UNREADABLE = [
    absent,
    no_suffix,
    empty_folder,
    broken_index,
    escaping_index,
    lying_index,
    lost_shard,
    whole_model,
    cut_pt,
    no_state_dict,
]


@pytest.mark.parametrize("make", UNREADABLE, ids=lambda make: make.__name__)
def test_unreadable_checkpoints(model, plan, tmp_path, monkeypatch, make, snapshot):
    monkeypatch.chdir(tmp_path)
    path = make(model)
    with pytest.raises(PruneconfError) as caught:
        apply(plan, path, Path("out"))
    assert str(caught.value) == snapshot
    assert not Path("out").exists()


def test_a_model_without_values(plan, out, snapshot):
    with torch.device("meta"):
        model = Tied()
    with pytest.raises(PruneconfError) as caught:
        apply(plan, model, out)
    assert str(caught.value) == snapshot


def test_a_device_changes_nothing(model, plan, tmp_path, source, out, files):
    path = FORMS[0](model, source)
    apply(plan, path, out)
    apply(plan, path, tmp_path / "again", device=NAME)
    assert files(tmp_path / "again") == files(out)


@pytest.mark.parametrize(
    ("name", "rank", "own"),
    [("strict", None, 0), ("strict", "0", 0), ("strict", "2", 2), ("strict", "4", 1), ("strict:1", "2", 1)],
)
def test_processes_of_a_machine_share_out_its_devices(name, rank, own, monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank:
        monkeypatch.setenv("LOCAL_RANK", rank)
    assert device_named(name) == torch.device(NAME, own)
    assert device_named("cpu") == torch.device("cpu")


@pytest.mark.parametrize("device", ["cuda", "strict:3"])
def test_a_process_without_a_device(model, plan, out, device, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    with pytest.raises(
        PruneconfError, match=rf"^cannot compute on `{device}`[^\n]*; name a device that torch has here$"
    ):
        apply(plan, model, out, device=device)


@pytest.mark.parametrize("device", ["meta", "cuda:99", "gpu"])
def test_unusable_devices(model, plan, out, device):
    with pytest.raises(PruneconfError, match=rf"^cannot compute on `{device}`[^\n]*; name a device "):
        apply(plan, model, out, device=device)
    assert not out.exists()


def test_views_in_a_pickle(model, plan, tmp_path, files):
    """Tensors that share a storage, or are not in the order of their elements."""
    state = model.state_dict()
    save_file({name: tensor.clone() for name, tensor in state.items()}, tmp_path / "w.safetensors")
    hidden, together = state["hidden.weight"], torch.cat([state["narrow.weight"], state["narrow.weight"] + 1])
    torch.save(state | {"narrow.weight": together[: len(together) // 2]}, tmp_path / "shared.pt")
    torch.save(state | {"hidden.weight": hidden.t().contiguous().t()}, tmp_path / "turned.pt")
    wanted = apply(plan, tmp_path / "w.safetensors", tmp_path / "wanted")
    for name in ("shared", "turned"):
        found = apply(plan, tmp_path / f"{name}.pt", tmp_path / name)
        assert found.layers == wanted.layers
        assert written(tmp_path / name).keys() == written(tmp_path / "wanted").keys()
        for key, tensor in written(tmp_path / "wanted").items():
            assert torch.equal(written(tmp_path / name)[key], tensor)


def test_code_in_a_pickle_is_not_run(model, plan, tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "owned",))

    torch.save({"hidden.weight": Evil()}, tmp_path / "w.pt")
    with pytest.raises(PruneconfError, match=re.escape("without running code from it")):
        apply(plan, tmp_path / "w.pt", tmp_path / "out")
    assert not (tmp_path / "owned").exists()
