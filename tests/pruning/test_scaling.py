"""What docs/scaling.md says that processes exchange and read is what they do."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_shared import Player, play

from pruneconf.pruning.pieces import shares
from pruneconf.pruning.select import Group, select_all
from pruneconf.pruning.tensors import weights_of
from pruneconf.pruning.workers import Workers

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module")
def scaling():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        return importlib.import_module("scaling")


class Counting(Player):
    """Takes down how large what is added up is, in bytes."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.sums, self.gathers, self.inside = [], 0, False

    def sum(self, counts):
        self.sums.append(counts.nbytes)
        self.inside = True
        found = super().sum(counts)
        self.inside = False
        return found

    def gather(self, mine):
        self.gathers += not self.inside
        return super().gather(mine)


class Counted:
    """Elements that count how many of them are read."""

    def __init__(self, bits):
        self.bits, self.size, self.read = bits, bits.size, 0

    def __getitem__(self, part):
        found = self.bits[part]
        self.read += found.size
        return found


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("cap", [3_000, 2_500], ids=["free", "capped"])
def test_sums_and_reads(scaling, monkeypatch, size, dtype, cap):
    """Few weights are all looked at, many are sampled first. What is ranked is gone through once."""
    torch.manual_seed(0)
    group = [weights_of(str(i), torch.randn(3_000).to(dtype)) for i in range(5)]
    monkeypatch.setattr("test_shared.Player", Counting)

    def work(team):
        mine = [Counted(layer.bits) for layer in group]
        counted = [replace(layer, bits=bits) for layer, bits in zip(group, mine, strict=True)]
        select_all([Group(shares(counted, team), 6_000, [cap] * 5)], Workers(), team)
        return team, sum(bits.read for bits in mine)

    expected = scaling.sums(5, 15_000, 8 * dtype.itemsize, rows=5 if cap < 3_000 else 1)
    for team, read in play(size, work):
        tied = team.gathers  # in float32, hardly ever
        assert team.sums == (expected if tied else expected[:-1])
        assert tied <= 1
        share = 15_000 // size
        assert share <= read <= -(-15_000 // size) + tied * 3_000


def test_many_are_sampled(scaling, monkeypatch):
    torch.manual_seed(0)
    group = [weights_of(str(i), torch.randn(400_000)) for i in range(3)]
    monkeypatch.setattr("test_shared.Player", Counting)

    def work(team):
        select_all([Group(shares(group, team), 600_000, [400_000] * 3)], Workers(), team)
        return team

    sampled = 400_000 * 3 // 53  # each 53rd block
    expected = [scaling.sums(3, 1_200_000, 32, sampled=sampled, window=window)[:-1] for window in range(17, 24)]
    for team in play(2, work):
        assert team.sums in expected


@pytest.mark.parametrize("ranks", [1, 3, 8])
def test_every_file_is_dealt_once(scaling, ranks):
    files = scaling.shards(scaling.tensors(4, 256), 1_000_000)
    hands = scaling.dealt(files, ranks)
    assert sorted(number for hand in hands for number in hand) == list(range(len(files)))
    assert sum(files) == sum(scaling.tensors(4, 256))


@pytest.mark.parametrize(
    ("there", "expected"),
    [((1, 1, 1), 7), ((1, 2, 3), 7), ((3, 2, 1), 9), ((1, 2, 20), 23), ((0, 0, 0), 6)],
)
def test_masks_are_hashed_in_order_when_they_are_there(scaling, there, expected):
    assert scaling.hashed([2, 4, 6], there, 2) == expected
