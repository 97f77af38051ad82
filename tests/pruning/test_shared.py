"""Selection by several processes, played by threads, against the greedy scan."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_select import chosen, greedy, layers, sampled_badly, workers

from pruneconf.errors import PruneconfError
from pruneconf.pruning import search
from pruneconf.pruning.masks import kept
from pruneconf.pruning.pieces import Share, shares
from pruneconf.pruning.select import Group, select, select_all
from pruneconf.pruning.team import ALONE, Team
from pruneconf.pruning.tensors import weights_of
from pruneconf.pruning.workers import Workers


class Player(Team):
    """One of several threads that exchange what they have through a list."""

    def __init__(self, rank, table, barrier):
        super().__init__(rank, len(table))
        self._table, self._barrier = table, barrier

    def gather(self, mine):
        self._table[self.rank] = mine
        self._barrier.wait()
        found = list(self._table)
        self._barrier.wait()
        return found

    def sum(self, counts):
        return np.sum(self.gather(counts), axis=0)


def play(size, work):
    """`work(team)` in threads, as if they were processes; what each returns."""
    table, barrier = [None] * size, Barrier(size)
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, [Player(rank, table, barrier) for rank in range(size)]))


@st.composite
def dealt(draw, group, size):
    """The stretches of each layer, cut anywhere, dealt to this many processes."""
    hands = [[{} for _ in group] for _ in range(size)]
    for i, layer in enumerate(group):
        ends = sorted({0, layer.bits.size, *draw(st.lists(st.integers(0, layer.bits.size), max_size=5))})
        for start, stop in pairwise(ends):
            draw(st.sampled_from(hands))[i][start] = layer.bits[start:stop]
    return [
        [Share(layer.layer, layer.format, layer.bits.size, have) for layer, have in zip(group, hand, strict=True)]
        for hand in hands
    ]


@given(layers(), st.integers(1, 4), workers, st.data())
@settings(deadline=None)
def test_together_they_make_the_greedy_scan(tensors, size, how, data):
    most = [data.draw(st.integers(0, tensor.numel())) for tensor in tensors]
    count = data.draw(st.integers(0, sum(most)))
    group = [weights_of(str(i), tensor) for i, tensor in enumerate(tensors)]
    hands = data.draw(dealt(group, size))
    found = play(size, lambda team: select_all([Group(hands[team.rank], count, most)], how, team)[0])
    masks = [kept(layer.bits, 0, layer.format, cut) for layer, cut in zip(group, found[0], strict=True)]
    lost = {(i, int(j)) for i, mask in enumerate(masks) for j in np.flatnonzero(~mask)}
    assert lost == greedy(tensors, count, most)
    assert [cut.masked for cut in found[0]] == [int((~mask).sum()) for mask in masks]
    assert all(cuts == found[0] for cuts in found)


@given(st.lists(layers(), min_size=2, max_size=4), st.integers(1, 3), st.sampled_from([1, 3, 16]), st.data())
@settings(deadline=None, max_examples=40)
def test_several_groups_at_once(groups, size, bits, data):
    """Also where the histograms are small, so that there are many passes."""
    asked = []
    for tensors in groups:
        most = [data.draw(st.integers(0, tensor.numel())) for tensor in tensors]
        asked.append((data.draw(st.integers(0, sum(most))), most))
    all_weights = [[weights_of(str(i), tensor) for i, tensor in enumerate(tensors)] for tensors in groups]

    def work(team):
        mine = shares([layer for group in all_weights for layer in group], team)
        each = iter(mine)
        wanted = [
            Group([next(each) for _ in group], count, most)
            for group, (count, most) in zip(all_weights, asked, strict=True)
        ]
        return select_all(wanted, Workers(), team)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_BITS", bits)
        patch.setattr(search, "_LEAST_BITS", 1)
        found = play(size, work)
    for tensors, group, (count, most), cuts in zip(groups, all_weights, asked, found[0], strict=True):
        masks = [kept(layer.bits, 0, layer.format, cut) for layer, cut in zip(group, cuts, strict=True)]
        lost = {(i, int(j)) for i, mask in enumerate(masks) for j in np.flatnonzero(~mask)}
        assert lost == greedy(tensors, count, most)


@given(layers(max_size=400), st.integers(1, 3), st.data())
@settings(deadline=None, max_examples=50)
def test_no_sample_changes_what_they_choose(tensors, size, data):
    most = [data.draw(st.integers(0, tensor.numel())) for tensor in tensors]
    count = data.draw(st.integers(0, sum(most)))
    group = [weights_of(str(i), tensor) for i, tensor in enumerate(tensors)]
    hands = data.draw(dealt(group, size))
    with sampled_badly(data):
        found = play(size, lambda team: select_all([Group(hands[team.rank], count, most)], Workers(), team)[0])
    masks = [kept(layer.bits, 0, layer.format, cut) for layer, cut in zip(group, found[0], strict=True)]
    assert {(i, int(j)) for i, mask in enumerate(masks) for j in np.flatnonzero(~mask)} == greedy(tensors, count, most)
    assert all(cuts == found[0] for cuts in found)


def test_many_ties_over_all_processes():
    tensors = [torch.randint(-3, 4, (50_000,)).to(torch.bfloat16) for _ in range(3)]
    group = [weights_of(str(i), tensor) for i, tensor in enumerate(tensors)]
    most = [50_000, 9_000, 50_000]
    how = Workers(2, 1 << 10)
    (alone,) = select_all([Group(shares(group, ALONE), 70_001, most)], how)
    together = play(3, lambda team: select_all([Group(shares(group, team), 70_001, most)], how, team)[0])
    lost = chosen(tensors, 70_001, most, how)
    for cuts in (alone, *together):
        masks = [kept(layer.bits, 0, layer.format, cut) for layer, cut in zip(group, cuts, strict=True)]
        assert {(i, int(j)) for i, mask in enumerate(masks) for j in np.flatnonzero(~mask)} == lost


def test_nan_is_an_error_in_every_process():
    tensor = torch.ones(100)
    tensor[3] = torch.nan
    tensor[90] = -torch.nan
    group = [weights_of("net", tensor)]

    def work(team):
        with pytest.raises(PruneconfError) as refusal:
            select_all([Group(shares(group, team), 5, [100])], Workers(), team)
        return str(refusal.value)

    with pytest.raises(PruneconfError) as alone:
        select(group, 5, [100], Workers())
    assert set(play(3, work)) == {str(alone.value)}
