"""The digest of a file is taken while several processes write its parts, in any order."""

import hashlib
from queue import Empty, Queue

import pytest
from torch import distributed

from pruneconf.pruning.inorder import InOrder
from pruneconf.pruning.team import ALONE, Team

if not distributed.is_available():
    pytest.skip("this torch has no torch.distributed", allow_module_level=True)

PARTS = {"a": range(8, 1000), "b": range(1000, 1000), "c": range(1000, 3_000_000), "d": range(3_000_000, 3_000_007)}
DATA = bytes(range(256)) * 11_719


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(DATA[:3_000_007])
    return file


@pytest.fixture
def hashed(monkeypatch):
    """Up to where the file is hashed, as it goes."""
    reached: Queue[int] = Queue()
    original = InOrder._hash_to

    def telling(self, end):
        original(self, end)
        reached.put(end)

    monkeypatch.setattr(InOrder, "_hash_to", telling)
    return reached


def teams(size=2):
    store = distributed.HashStore()
    return [Team(rank, size, store) for rank in range(size)]


def test_what_others_have_written_is_hashed_before_all_is_there(path, hashed):
    first, other = teams()
    with InOrder(path, PARTS, first, pytest.fail) as digest, InOrder(path, PARTS, other, pytest.fail) as theirs:
        theirs.add("d")
        digest.add("a")
        assert [hashed.get(timeout=10), hashed.get(timeout=10)] == [1000, 1000]
        with pytest.raises(Empty):
            hashed.get(timeout=0.7)
        theirs.add("c")
        assert [hashed.get(timeout=10), hashed.get(timeout=10)] == [3_000_000, 3_000_007]
        assert digest.finish() == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("known", [(), ("d",), ("a", "c")])
def test_nobody_needs_to_have_said_what_is_there_at_the_end(path, known):
    first, other = teams()
    with InOrder(path, PARTS, first, pytest.fail) as digest:
        for part in known:
            other.enter(part)
        assert digest.finish() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_to_leave_does_not_wait_for_what_is_missing(path, hashed):
    with InOrder(path, PARTS, ALONE, pytest.fail) as digest:
        digest.add("a")
        hashed.get(timeout=10)


def test_a_failure_is_told_at_once_and_in_the_end(path):
    told: Queue[BaseException] = Queue()
    path.unlink()
    with InOrder(path, PARTS, ALONE, told.put) as digest:
        digest.add("a")
        assert isinstance(told.get(timeout=10), FileNotFoundError)
        with pytest.raises(FileNotFoundError):
            digest.finish()


def test_a_store_that_is_gone_is_told(path):
    class Gone:
        def check(self, _keys):
            raise RuntimeError("connection reset by peer")

    told: Queue[BaseException] = Queue()
    with InOrder(path, PARTS, Team(0, 2, Gone()), told.put):
        assert "lost contact with another process" in str(told.get(timeout=10))
