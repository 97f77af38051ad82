"""What docs/scaling.md says that processes exchange and read is what they do."""

import importlib
from pathlib import Path

import pytest
import torch
from test_shared import Player, play

from pruneconf.pruning import shared
from pruneconf.pruning.shared import Stretch, Together, select_together, shares
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


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("cap", [3_000, 2_500], ids=["free", "capped"])
def test_sums_and_reads(scaling, monkeypatch, size, dtype, cap):
    torch.manual_seed(0)
    group = [weights_of(str(i), torch.randn(3_000).to(dtype)) for i in range(5)]
    read = {}
    take = Stretch.__getitem__

    def reading(self, part):
        found = take(self, part)
        read[id(self)] = read.get(id(self), 0) + found.size
        return found

    monkeypatch.setattr("test_shared.Player", Counting)
    monkeypatch.setattr(shared.Stretch, "__getitem__", reading)

    def work(team):
        mine = shares(group, team)
        select_together([Together(mine, 6_000, [cap] * 5)], team, Workers())
        return team, mine

    rows = 5 if cap < 3_000 else 1
    expected = scaling.sums(5, 8 * dtype.itemsize, rows)
    for team, mine in play(size, work):
        assert team.sums == expected
        assert team.gathers == 1
        held = [stretch for share in mine for stretch in share.stretches.values()]
        assert sum(stretch.size for stretch in held) in (15_000 // size, -(-15_000 // size))
        again = [read[id(stretch)] / stretch.size for stretch in held]
        passes = len(expected) - 1
        assert all(each == passes for each in again) or dtype is torch.bfloat16
        assert all(passes <= each <= passes + 1 for each in again)  # once more up to where ties go


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
