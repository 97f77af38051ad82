"""Exact selection against a greedy scan written from the semantics."""

from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strict_device import STRICT

from pruneconf.errors import PruneconfError
from pruneconf.pruning import select as selection
from pruneconf.pruning import survey, windows
from pruneconf.pruning.device import Shipped
from pruneconf.pruning.floats import FORMATS
from pruneconf.pruning.masks import kept, mask_in_place
from pruneconf.pruning.pieces import shares
from pruneconf.pruning.select import Group, select, select_all
from pruneconf.pruning.team import ALONE
from pruneconf.pruning.tensors import weights_of
from pruneconf.pruning.workers import Workers

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
EIGHTHS = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 1e-42, -1e-42, 6e-8, 2**-130, float("inf"), float("-inf"), 65504.0, 3e38, 1e300, 0.1]

devices = st.sampled_from([None, "there", "shipped"])
workers = st.builds(Workers, threads=st.integers(1, 3), chunk=st.sampled_from([8, 64, 1 << 16]))
elements = st.one_of(st.sampled_from(SPECIAL), st.floats(-2, 2, width=16), st.floats(allow_nan=False))


@st.composite
def layers(draw, max_size=60):
    alone = [[dtype] for dtype in DTYPES + EIGHTHS]
    dtypes = draw(st.sampled_from([*alone, DTYPES[:2], DTYPES[:3], DTYPES, EIGHTHS, DTYPES + EIGHTHS]))
    return [
        stored(draw(st.lists(elements, max_size=max_size)), draw(st.sampled_from(dtypes)))
        for _ in range(draw(st.integers(1, 5)))
    ]


def stored(numbers, dtype):
    """The numbers as a dtype has them, which is NaN where a small one has no infinity: the highest number then."""
    highest = torch.finfo(dtype).max
    tensor = torch.tensor(numbers, dtype=torch.float64)
    return (tensor.clamp(-highest, highest) if dtype in EIGHTHS else tensor).to(dtype)


def greedy(tensors, count, most):
    """Scan all elements by exact magnitude, layer, flat index; take one if its layer is not full."""
    order = sorted(
        (abs(Fraction(value)) if np.isfinite(value) else Fraction(10) ** 400, i, j)
        for i, tensor in enumerate(tensors)
        for j, value in enumerate(tensor.double().reshape(-1).tolist())
    )
    taken = [0] * len(tensors)
    chosen = set()
    for _, i, j in order:
        if len(chosen) < count and taken[i] < most[i]:
            taken[i] += 1
            chosen.add((i, j))
    return chosen


def layers_of(tensors, device=None):
    """The tensors in memory, on a device, or in memory to be looked at on a device."""
    there = device == "there"
    group = [weights_of(str(i), tensor.to(STRICT) if there else tensor) for i, tensor in enumerate(tensors)]
    return [replace(layer, bits=Shipped(layer.bits, STRICT)) for layer in group] if device == "shipped" else group


def chosen(tensors, count, most, how, device=None):
    cuts = select(layers_of(tensors, device), count, most, how)
    group = layers_of(tensors)
    masks = [kept(layer.bits, 0, layer.format, cut) for layer, cut in zip(group, cuts, strict=True)]
    assert [cut.masked for cut in cuts] == [int((~mask).sum()) for mask in masks]
    return {(i, int(j)) for i, mask in enumerate(masks) for j in np.flatnonzero(~mask)}


@given(layers(), workers, devices, st.data())
def test_select_is_the_greedy_scan(tensors, how, device, data):
    most = [data.draw(st.integers(0, tensor.numel())) for tensor in tensors]
    count = data.draw(st.integers(0, sum(most)))
    assert chosen(tensors, count, most, how, device) == greedy(tensors, count, most)


@given(st.lists(layers(max_size=20), max_size=3), workers, st.data())
def test_groups_in_one_pass_are_groups_alone(each, how, data):
    groups = []
    for tensors in each:
        most = [data.draw(st.integers(0, tensor.numel())) for tensor in tensors]
        groups.append((layers_of(tensors), data.draw(st.integers(0, sum(most))), most))
    alone = [select(*group, Workers()) for group in groups]
    assert select_all([Group(shares(group, ALONE), *rest) for group, *rest in groups], how) == alone


@contextmanager
def sampled_badly(data):
    """Sampling is switched on for tiny layers: the windows are often wrong, or crowded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_WORTH_SAMPLING", 1)
        patch.setattr(windows, "_BLOCK", 1)
        patch.setattr(windows, "_DEVIATIONS", data.draw(st.sampled_from([-1, 0, 1])))
        patch.setattr(survey, "_NARROW", data.draw(st.sampled_from([0, 4, 1 << 12])))
        patch.setattr(survey, "MOST_FOUND", data.draw(st.sampled_from([5, 1 << 23])))
        yield


@given(layers(max_size=400), st.data())
@settings(max_examples=50)
def test_a_sample_changes_no_choice(tensors, data):
    most = [data.draw(st.integers(0, tensor.numel())) for tensor in tensors]
    count = data.draw(st.integers(0, sum(most)))
    with sampled_badly(data):
        assert chosen(tensors, count, most, Workers(), data.draw(devices)) == greedy(tensors, count, most)


@pytest.mark.parametrize("window", [(0, 0), (0x7F80_0000, 0x7F80_0000), (0x7F80_0000, 0)])
@pytest.mark.parametrize("count", range(6))
def test_no_window_changes_a_choice(window, count, monkeypatch):
    """Nor one that begins above its end, or above all that a small format has."""
    tensors = [torch.tensor([1e20, 3.0, torch.inf]), torch.tensor([240.0, 1, -240]).to(torch.float8_e4m3fnuz)]
    monkeypatch.setattr(selection, "windows", lambda tasks, *_: [survey.Window(*window) for _ in tasks])
    assert chosen(tensors, count, [3, 3], Workers()) == greedy(tensors, count, [3, 3])


@given(layers(max_size=400), st.data())
@settings(max_examples=50)
def test_layers_that_are_all_full_are_cut_one_by_one(tensors, data):
    most = [data.draw(st.integers(0, tensor.numel())) for tensor in tensors]
    assert chosen(tensors, sum(most), most, Workers()) == greedy(tensors, sum(most), most)


@given(layers(), st.integers(1, 100), st.data())
def test_what_the_caps_forbid_is_an_error(tensors, extra, data):
    most = [data.draw(st.integers(0, tensor.numel())) for tensor in tensors]
    group = [weights_of(str(i), tensor) for i, tensor in enumerate(tensors)]
    with pytest.raises(PruneconfError, match=f"leave room for {sum(most)}$"):
        select(group, sum(most) + extra, most, Workers())


@given(layers(), st.data(), st.sampled_from(["bool", "packed", "none"]), workers, st.sampled_from([None, "there"]))
def test_masking_changes_no_other_bit(tensors, data, form, how, device):
    count = data.draw(st.integers(0, sum(tensor.numel() for tensor in tensors)))
    most = [tensor.numel() for tensor in tensors]
    group = layers_of([tensor.clone() for tensor in tensors], device)
    before = [layer.bits[:].copy() for layer in group]
    cuts = select(group, count, most, how)
    keep = [kept(bits, 0, layer.format, cut) for bits, layer, cut in zip(before, group, cuts, strict=True)]
    masks = mask_in_place(group, cuts, form, how)
    for layer, bits, mask, kept_ in zip(group, before, masks, keep, strict=True):
        assert np.array_equal(layer.bits[:], np.where(kept_, bits, 0))
        assert mask is None or mask.device == (STRICT if device else torch.device("cpu"))
        if form == "bool":
            assert np.array_equal(mask.cpu(), kept_)
        elif form == "packed":
            assert np.array_equal(np.unpackbits(mask.cpu().numpy(), count=bits.size), kept_)
        else:
            assert mask is None


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_large_layers_same_choice_for_any_threads_and_chunks(known):
    """Large enough for the sampled window; three layers, one at its cap, and many ties."""
    dtype = getattr(torch, known.name)
    generator = torch.Generator().manual_seed(1)
    tensors = [
        (torch.randn(size, generator=generator) * scale).to(dtype)
        for size, scale in [(3 << 20, 1), (2 << 20, 0.1), (100, 3)]
    ]
    most = [3 << 20, 1 << 20, 100]
    count = 3_333_333
    group = layers_of(tensors)
    cuts = [select(group, count, most, how) for how in (Workers(1), Workers(3, 1 << 12), Workers(2, 1 << 20))]
    cuts += [select(layers_of(tensors, device), count, most, Workers(2)) for device in ("there", "shipped")]
    assert cuts == [cuts[0]] * 5
    keys = np.concatenate([tensor.double().abs().numpy() for tensor in tensors])
    layer = np.repeat([0, 1, 2], [tensor.numel() for tensor in tensors])
    order = np.argsort(keys, kind="stable")
    room = np.concatenate([order[layer[order] == i][: most[i]] for i in range(3)])
    expected = np.sort(room[np.lexsort((room, keys[room]))][:count])
    masks = np.concatenate([kept(g.bits, 0, g.format, cut) for g, cut in zip(group, cuts[0], strict=True)])
    assert np.array_equal(np.flatnonzero(~masks), expected)


@pytest.mark.parametrize("device", [None, "there", "shipped"], ids=str)
@pytest.mark.parametrize("dtype", DTYPES + EIGHTHS, ids=str)
def test_nan_names_the_first_layer_and_counts(dtype, device):
    tensors = [torch.zeros(5), torch.tensor([1.0, float("nan"), -float("nan")]), torch.tensor([float("nan")])]
    tensors = [tensor.to(dtype) for tensor in tensors]
    group = [replace(layer, layer=name) for name, layer in zip("abc", layers_of(tensors, device), strict=True)]
    with pytest.raises(PruneconfError, match=r"^`b` has 2 NaN among its 3 weights"):
        select(group, 1, [5, 3, 1], Workers())
