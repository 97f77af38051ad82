"""`verify` accepts what `apply` wrote and names the first layer that is off."""

import errno
import hashlib
import json
import os

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tied import CONFIG, plan_of

import pruneconf
from pruneconf import PruneconfError
from pruneconf.pruning import apply, filearray, verify
from pruneconf.pruning.floats import FORMATS


@pytest.fixture
def out(model, plan, tmp_path):
    apply(plan, model, tmp_path / "out")
    return tmp_path / "out"


def edit(path, change, keep_report=False):
    """Change the tensors of a file, as a tool that knows nothing of reports would."""
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    if not keep_report:
        (path.parent / "report.json").unlink(missing_ok=True)


def first(tensors, name, kept):
    """The flat index of the first weight that is zero, or is not."""
    return int(torch.nonzero((tensors[name].flatten() != 0) == kept)[0])


def revived(weights, masks):
    weights["hidden.weight"].view(-1)[first(weights, "hidden.weight", kept=False)] = 0.5


def negative_zero(weights, masks):
    weights["hidden.weight"].view(-1)[first(weights, "hidden.weight", kept=False)] = -0.0


def nan(weights, masks):
    weights["narrow.weight"].view(-1)[first(weights, "narrow.weight", kept=True)] = float("nan")


def one_more(weights, masks):
    i = first(weights, "embed.weight", kept=True)
    for name in ("embed.weight", "head.weight"):
        weights[name].view(-1)[i] = 0
    masks["embed.weight"].view(-1)[i] = False


def copies_differ(weights, masks):
    weights["head.weight"].view(-1)[first(weights, "head.weight", kept=False)] = 1


def one_less_in_the_group(weights, masks):
    masks["narrow.weight"].view(-1)[first(weights, "narrow.weight", kept=False)] = True


def over_the_cap(weights, masks):
    weights["narrow.weight"].zero_()
    masks["narrow.weight"].zero_()


def no_mask(weights, masks):
    del masks["narrow.weight"]


def not_binary(weights, masks):
    masks["narrow.weight"] = masks["narrow.weight"].view(torch.uint8) * 2


def wrong_shape(weights, masks):
    masks["hidden.weight"] = masks["hidden.weight"].reshape(4, 16)


def another_mask(weights, masks):
    masks["norm.weight"] = torch.zeros(8, dtype=torch.bool)


def stray_mask(weights, masks):
    masks["extra"] = torch.zeros(8, dtype=torch.bool)


def lost_weight(weights, masks):
    del weights["narrow.weight"]


FAULTS = [
    revived,
    negative_zero,
    nan,
    one_more,
    copies_differ,
    one_less_in_the_group,
    over_the_cap,
    no_mask,
    not_binary,
    wrong_shape,
    another_mask,
    stray_mask,
    lost_weight,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_names_what_is_off(plan, out, fault, snapshot):
    weights, masks = load_file(out / "model.safetensors"), load_file(out / "masks.safetensors")
    fault(weights, masks)
    save_file(weights, out / "model.safetensors")
    save_file(masks, out / "masks.safetensors")
    (out / "report.json").unlink()
    faults = verify(plan, out).faults
    assert [(fault.layer, fault.reason.replace(str(out), "out")) for fault in faults] == snapshot


def test_a_mask_of_bytes_that_are_not_binary(plan, out):
    path = out / "masks.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] = 2
    path.write_bytes(data)
    assert "`narrow` has a mask that is not binary" in [fault.reason for fault in verify(plan, out).faults]


def test_files_that_changed_since(plan, out, snapshot):
    edit(out / "model.safetensors", lambda weights: weights.update(steps=torch.tensor(4)), keep_report=True)
    assert [fault.reason for fault in verify(plan, out).faults] == snapshot
    (out / "report.json").write_text(json.dumps([1]))
    assert [fault.reason for fault in verify(plan, out).faults] == snapshot


@pytest.mark.parametrize("pruner", ["level", "l1"])
def test_a_report_that_does_not_say_what_the_masks_hold(tmp_path, pruner):
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4))
    config = pruneconf.load([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}])
    plan = pruneconf.resolve(config, pruneconf.trace(model), pruner=pruner)
    apply(plan, model, tmp_path / "out")
    path = tmp_path / "out" / "report.json"
    report = json.loads(path.read_text())
    report["layers"][1]["masked"] = 7
    path.write_text(json.dumps(report))
    assert [fault.reason for fault in verify(plan, tmp_path / "out").faults] == [
        "`1` has 8 masked elements; `report.json` says 7"
    ]


def test_a_file_that_cannot_be_read(plan, out, monkeypatch):
    """It is that file which is named, not the report that describes it."""
    (out / "config.json").write_text("{}")
    report = json.loads((out / "report.json").read_text())
    report["outputs"]["config.json"] = hashlib.sha256(b"{}").hexdigest()
    (out / "report.json").write_text(json.dumps(report))
    assert verify(plan, out).ok
    original = os.preadv

    def preadv(descriptor, buffers, offset):
        if sum(map(len, buffers)) == len("{}"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return original(descriptor, buffers, offset)

    monkeypatch.setattr(filearray.os, "preadv", preadv)
    assert [fault.reason for fault in verify(plan, out).faults] == [
        f"cannot read `{out}/config.json`: input/output error; check its disk, then run again"
    ]


def test_a_truncated_file_is_a_fault(plan, out):
    path = out / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    verdict = verify(plan, out)
    assert not verdict.ok
    assert "is damaged" in verdict.faults[0].reason


def test_without_masks_zeros_are_counted(model, plan, tmp_path):
    apply(plan, model, tmp_path / "out", masks="none")
    assert verify(plan, tmp_path / "out").ok
    edit(tmp_path / "out" / "model.safetensors", lambda weights: revived(weights, {}))
    faults = verify(plan, tmp_path / "out").faults
    assert [fault.reason for fault in faults] == [
        "the 2 layers of sub-config 0 have 75 zeros within their caps together; the config asks for 76 of 128"
    ]


BEYOND = {
    "level": "the 2 layers of sub-config 0 have 8 zeros within their caps together; the config asks for 16 of 32",
    "l1": "`1` has 0 zero channels of 4; the config asks for up to 2",
}


@pytest.mark.parametrize("pruner", BEYOND)
def test_without_masks_zeros_beyond_a_cap_do_not_count(tmp_path, pruner):
    """A layer that is zero throughout does not stand for another that has no zeros."""
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4))
    config = [{"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.5}]
    (tmp_path / "out").mkdir()
    for layer, fill in zip(model, (torch.nn.init.zeros_, torch.nn.init.ones_), strict=True):
        fill(layer.weight)
        fill(layer.bias)
    save_file(model.state_dict(), tmp_path / "out" / "model.safetensors")
    plan = pruneconf.resolve(pruneconf.load(config), pruneconf.trace(model), pruner=pruner)
    assert [fault.reason for fault in verify(plan, tmp_path / "out").faults] == [BEYOND[pruner]]


@pytest.mark.parametrize("masks", ["bool", "none"])
@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_nan_of_every_format(tmp_path, known, masks):
    """Of two 8-bit formats the only NaN is what -0 is elsewhere."""
    dtype = getattr(torch, known.name)
    model = torch.nn.Linear(4, 4, bias=False)
    plan = plan_of(model, [{"op_types": ["Linear"], "sparsity_per_layer": 0.25}])
    model.weight = torch.nn.Parameter(torch.ones(4, 4).to(dtype), requires_grad=False)
    apply(plan, model, tmp_path / "out", masks=masks)
    assert verify(plan, tmp_path / "out").ok
    path = tmp_path / "out" / "model.safetensors"
    weight = load_file(path)["weight"]
    weight.view(-1)[-1] = torch.tensor(float("nan")).to(dtype)
    save_file({"weight": weight}, path)
    (path.parent / "report.json").unlink()
    assert [fault.reason for fault in verify(plan, path.parent).faults] == ["`` has a NaN among its weights"]


def test_another_config_is_not_satisfied(model, plan, out, snapshot):
    other = plan_of(model, [CONFIG[0] | {"total_sparsity": 0.5}, CONFIG[1] | {"sparsity_per_layer": 0.3}])
    assert [(fault.layer, fault.reason) for fault in verify(other, out).faults] == snapshot


def test_no_directory(plan, tmp_path):
    with pytest.raises(PruneconfError, match="there is no directory"):
        verify(plan, tmp_path / "nowhere")


@given(st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_one_flipped_element_never_passes(model, plan, tmp_path_factory, data):
    """Any masked weight revived, or any kept weight's mask bit flipped, is noticed."""
    out = tmp_path_factory.mktemp("run") / "out"
    apply(plan, model, out)
    masks = load_file(out / "masks.safetensors")
    name = data.draw(st.sampled_from(sorted(masks)))
    i = data.draw(st.integers(0, masks[name].numel() - 1))
    if masks[name].view(-1)[i] or data.draw(st.booleans()):
        edit(out / "masks.safetensors", lambda masks: masks[name].view(-1)[i].logical_not_())
    else:
        edit(out / "model.safetensors", lambda weights: weights[name].view(-1)[i].fill_(0.25))
    assert not verify(plan, out).ok
