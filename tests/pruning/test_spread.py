"""Histograms of magnitudes and what a cut takes of them."""

from math import log2

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pruneconf.histogram import STEPS, ZEROS
from pruneconf.pruning.cuts import Cut
from pruneconf.pruning.floats import FORMATS, Weights
from pruneconf.pruning.select import select
from pruneconf.pruning.spread import histograms
from pruneconf.pruning.workers import Workers


def weights_of(tensor, own):
    return Weights("layer", own, tensor.view(torch.uint8).numpy().view(own.unsigned))


@given(
    st.lists(st.floats(width=16, allow_nan=False) | st.sampled_from([0.0, -0.0, 0.25, 0.5]), min_size=1, max_size=60),
    st.sampled_from(FORMATS),
    st.data(),
)
def test_every_finite_weight_is_in_the_bin_of_its_magnitude(numbers, own, data):
    highest = torch.finfo(getattr(torch, own.name)).max  # the small formats' infinities are NaN
    numbers = np.clip(numbers, -highest, highest).tolist() if own.width == 8 else numbers
    tensor = torch.tensor(numbers, dtype=getattr(torch, own.name))
    layer = weights_of(tensor, own)
    count = data.draw(st.integers(0, len(numbers)))
    (cut,) = select([layer], count, [count], Workers())
    found = histograms({"w": layer}, {"w": cut})["w"]
    sizes = tensor.double().abs().tolist()
    order = sorted(range(len(sizes)), key=lambda i: (sizes[i], i))
    assert found.seen == len(numbers)
    for counts, indices in ((found.masked, order[:count]), (found.kept, order[count:])):
        finite = [sizes[i] for i in indices if sizes[i] != float("inf")]
        bins = [int(np.floor(log2(size) * STEPS)) if size else ZEROS for size in finite]
        assert dict(counts) == {bin_: bins.count(bin_) for bin_ in bins}


@pytest.mark.parametrize("size", [0, 1, 1023, 1025, (1 << 21) + 5])
def test_a_sample_is_bounded_and_even(size):
    tensor = torch.linspace(1, 2, size)
    layer = weights_of(tensor, FORMATS[2])
    half = int(np.float32(1.5).view(np.uint32))
    found = histograms({"w": layer}, {"w": Cut(half, 0, size // 2)})["w"]
    assert min(size, 1 << 17) <= found.seen <= (1 << 17) + 1024
    assert sum(found.masked.values()) + sum(found.kept.values()) == found.seen
    assert abs(sum(found.masked.values()) - found.seen / 2) <= 1024
