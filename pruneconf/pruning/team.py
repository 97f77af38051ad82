"""The processes that prune together: each does its share, and what they count is added up."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from pruneconf.errors import PruneconfError
from pruneconf.pruning.floats import Counts

FOREVER = timedelta(days=30)
"""How long processes wait for the share of another: it is the signs of life that tell whether it is still at work."""
_PUBLISHED, _ENTERED = "published", "entered"


class LostError(PruneconfError):
    """Another process does not answer any more."""


class Team:
    """The `size` processes of the default group of `torch.distributed`, of which this is number `rank`; or just this.

    `store` is what `publish` and `enter` need. `folder` is a directory that is of no use if the team breaks up. The
    first process calls `settle` when nothing but its own work is left, and `fail` where it cannot go on and the others
    are to end.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Any = None) -> None:
        self.rank = rank
        self.size = size
        self.folder: Path | None = None
        self.settle: Callable[[], None] = lambda: None
        self.fail: Callable[[], None] = lambda: None
        self._store = store

    @property
    def leads(self) -> bool:
        """Whether this process does what only one may do."""
        return self.rank == 0

    def sum(self, counts: Counts) -> Counts:
        """What all processes counted, added up."""
        if self.size == 1 or not counts.size:
            return counts
        tensor = torch.from_numpy(counts).to(_device())
        with _Answering():
            dist.all_reduce(tensor)
        return np.asarray(tensor.cpu().numpy())

    def gather(self, mine: Any) -> list[Any]:
        """What every process has, by number."""
        if self.size == 1:
            return [mine]
        found: list[Any] = [None] * self.size
        with _Answering():
            dist.all_gather_object(found, mine)
        return found

    def publish(self, mine: Any) -> Any:
        """What the first process has, for all; it does not wait until they take it."""
        if self._store is None:
            return mine
        with _Answering():
            if self.leads:
                self._store.set(_PUBLISHED, pickle.dumps(mine))
                return mine
            self._store.wait([_PUBLISHED], FOREVER)
            return pickle.loads(self._store.get(_PUBLISHED))  # noqa: S301 - from a process of this team

    def enter(self, what: str) -> None:
        """Let the others know that something is done; waits for nobody."""
        if self._store is not None:
            with _Answering():
                self._store.set(f"{_ENTERED} {what}", "")

    def entered(self, what: str) -> bool:
        """Whether a process has entered that this is done."""
        if self._store is None:
            return False
        with _Answering():
            return bool(self._store.check([f"{_ENTERED} {what}"]))

    def share(self, total: int) -> range:
        """Which of `total` things are for this process; all processes together have each once."""
        return range(total * self.rank // self.size, total * (self.rank + 1) // self.size)


ALONE = Team()


class _Answering:
    """Says so where another process does not answer."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, RuntimeError):
            raise LostError("lost contact with another process of this run; start it again") from error


def _device() -> torch.device:
    """Where the group can add up: in memory, or, as with NCCL alone, on this process's current device only."""
    kinds = [each.partition(":")[0] for each in dist.get_backend_config().split(",")]
    if "cpu" in kinds:
        return torch.device("cpu")
    return torch.device(kinds[0], torch.get_device_module(kinds[0]).current_device())
