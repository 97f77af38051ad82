"""Processes that `torchrun` (or anything that sets its environment variables) started to prune together, and how they
notice that one of them has died or stands still.

Each process counts up a number in the store that they have in common and watches that of the next one. Whoever finds
something wrong writes it into the store first, and says so; all others see it there and end in silence.

When everything is written, the first process enters that, in the same place: from then on it alone has work to do, the
others watch it, and what becomes of them does not matter.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn, TextIO

import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from pruneconf.errors import PruneconfError, sentence
from pruneconf.pruning.team import ALONE, FOREVER, LostError, Team

FAILED = 2
"""The exit status of a run that could not be carried out."""

_TICK = 0.5
"""Seconds between two signs of life."""
_INQUEST = 4
"""After how many ticks without a sign a process is taken for dead, where something has gone wrong already."""
_FAREWELL = 10.0
"""Seconds that the first process waits at the end for the others, which have nothing left to do."""
_START = timedelta(minutes=5)
"""How long processes wait for each other to begin."""
_VERDICT, _LAST_VERDICT, _BEAT, _LEFT = "verdict", "last verdict", "beat", "left"
_SETTLED, _STOPPED, _FAILED = "settled", "stopped", "failed"
"""Verdicts: that everything is written; that a process has gone, but the run can be resumed; that it cannot be."""
_AGAIN = "start the run again, with `--resume` to go on where it stopped"


def started_together() -> bool:
    """Whether this is one of several processes that prune together."""
    return "RANK" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


@contextmanager
def joined(timeout: float, leaving: type[BaseException]) -> Iterator[Team]:
    """The team that the environment describes (`RANK`, `WORLD_SIZE`, `MASTER_ADDR`, `MASTER_PORT`); see torchrun.

    Only the first process writes to standard output and standard error inside. Where one fails, dies or gives no sign
    of life for `timeout` seconds, one message appears and all end, with status `FAILED`. An exception `leaving` says
    that all are to end alike.
    """
    if not started_together():
        yield ALONE
        return
    store, team = _meet()
    watch = _Watch(store, team, timeout)
    with contextlib.nullcontext() if team.leads else _silenced():
        try:
            yield team
            watch.leave()
        except LostError:
            watch.inquire()
        except leaving:
            watch.leave()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must not wait for this process
            watch.end(sentence(error))


def _meet() -> tuple[Any, Team]:
    """Wait for the others; the store that all have in common, and the team."""
    try:
        store, rank, size = next(iter(rendezvous("env://", timeout=_START)))
        dist.init_process_group("gloo", store=PrefixStore("group", store), rank=rank, world_size=size, timeout=FOREVER)
    except (RuntimeError, ValueError) as error:
        raise PruneconfError(
            f"the processes of this run could not find each other ({str(error).splitlines()[0]}); "
            "check `RANK`, `WORLD_SIZE`, `MASTER_ADDR`, `MASTER_PORT` and `GLOO_SOCKET_IFNAME`"
        ) from error
    return store, Team(rank, size, PrefixStore("team", store.clone()))


@contextmanager
def _silenced() -> Iterator[None]:
    """Let nothing be said."""
    with (
        open(os.devnull, "w", encoding="utf-8") as silent,  # noqa: PTH123
        contextlib.redirect_stdout(silent),
        contextlib.redirect_stderr(silent),
    ):
        yield


class _Watch:
    """The thread that gives signs of life and looks for those of others, and one that sees to it that the first is not
    kept waiting itself.
    """

    def __init__(self, store: Any, team: Team, timeout: float) -> None:
        self._store = PrefixStore("pulse", store.clone())
        self._team, self._timeout = team, timeout
        self._stderr: TextIO = sys.stderr
        self._beats = 0
        self._silence = f"given no sign of life for {timeout:g} seconds"
        self._answered = time.monotonic()
        self._settled = False
        self._over = threading.Event()
        self._ending = threading.Lock()
        # a handler in Python would wait for the main thread, which may wait for another process
        self._told, self._telling = os.pipe()
        os.set_blocking(self._telling, False)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(self._telling, warn_on_full_buffer=False)
        team.settle, team.fail = self._settle, self._fail
        self._beat()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._run, self._wait_for_answers)]
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """Wait for the others, so that nobody is missed; then watch no more."""
        sys.stdout.flush()
        self._read_verdict()
        if self._settled:
            self._leave_settled()
        else:
            self._team.gather(None)
        self._over.set()
        os.write(self._telling, bytes(1))
        for thread in self._threads:  # one that asks the store while Python ends would abort the process
            thread.join()
        if self._team.leads:  # the store may be its own: the others are done with it first
            time.sleep(_TICK / 5)
        dist.destroy_process_group()

    def _leave_settled(self) -> None:
        left = self._store.add(_LEFT, 0 if self._team.leads else 1)
        until = time.monotonic() + _FAREWELL
        while self._team.leads and left < self._team.size - 1 and time.monotonic() < until:
            time.sleep(_TICK / 10)
            left = self._store.add(_LEFT, 0)

    def _settle(self) -> None:
        """Enter that everything is written, unless one of the processes has failed."""
        self._store.compare_set(_VERDICT, "", _SETTLED)
        self._read_verdict()

    def _fail(self) -> None:
        """Enter that this process has failed, before it says why."""
        self._first(_FAILED)

    def _first(self, kind: str) -> str:
        """Enter a verdict; it, or that of a process that was faster: its kind and whose it is."""
        mine = f"{kind} {self._team.rank}"
        told = bytes(self._store.compare_set(_VERDICT, "", mine)).decode()
        if told == _SETTLED:
            told = bytes(self._store.compare_set(_LAST_VERDICT, "", mine)).decode()
        return told

    def _own(self, verdict: str) -> bool:
        return verdict.endswith(f" {self._team.rank}")

    def _beat(self) -> None:
        self._beats += 1
        self._store.set(f"{_BEAT}{self._team.rank}", str(self._beats))

    def _run(self) -> None:
        try:
            self._watch()
        except RuntimeError:
            if not self._over.is_set():
                self._end_without_first("died")

    def _watch(self) -> None:
        neighbour, last, since = (self._team.rank + 1) % self._team.size, "", time.monotonic()
        looked = since
        while not self._over.is_set():
            if select.select([self._told], [], [], _TICK)[0] and signal.SIGTERM in os.read(self._told, 64):
                self.inquire()
            self._beat()
            self._read_verdict()
            if self._settled:
                neighbour = 0
            now, beat = time.monotonic(), self._entry(f"{_BEAT}{neighbour}")
            if beat != last or now - looked > 4 * _TICK:  # or this process was stopped itself
                last, since = beat, now
            elif now - since > self._timeout:
                self.end(self._gone([neighbour], self._silence), _STOPPED)
            looked = now

    def _read_verdict(self) -> None:
        """See whether everything is written, and end this process where another has ended the run."""
        verdict = self._entry(_VERDICT)
        self._settled = verdict == _SETTLED
        if self._settled:
            verdict = self._entry(_LAST_VERDICT)
        self._answered = time.monotonic()
        if verdict and not self._own(verdict):
            self._end_here("", keep=verdict.startswith(_STOPPED))

    def _wait_for_answers(self) -> None:
        """End this process where the store, which the first process may have, gives no answer for too long."""
        looked = time.monotonic()
        while not self._over.wait(_TICK):
            now = time.monotonic()
            if now - looked > 4 * _TICK:  # this process was stopped itself
                self._answered = now
            elif now - self._answered > self._timeout + 2 * _TICK:
                self._end_without_first(self._silence)
            looked = now

    def _entry(self, key: str) -> str:
        """What the store has under a key, if anything."""
        return bytes(self._store.get(key)).decode() if self._store.check([key]) else ""

    def inquire(self) -> None:
        """Find out who is gone, and end, unless the run gets to its own end meanwhile."""
        try:
            before = self._all_beats()
            for _ in range(_INQUEST):
                time.sleep(_TICK)
                self._beat()
                if self._over.is_set():
                    return
                self._read_verdict()
                if self._settled and self._team.leads:
                    return
            still = [rank for rank, beat in enumerate(self._all_beats()) if beat == before[rank]]
        except RuntimeError:
            still = [0]
        self.end(self._gone(still, "died") if still else f"this run was told to end (SIGTERM); {_AGAIN}", _STOPPED)

    def _all_beats(self) -> list[str]:
        return [self._entry(f"{_BEAT}{rank}") for rank in range(self._team.size)]

    def _gone(self, ranks: list[int], how: str) -> str:
        which = ", ".join(map(str, ranks))
        what = f"process {which} of {self._team.size} has" if len(ranks) == 1 else f"processes {which} have"
        unless = "unless the output is there, " if 0 in ranks else ""  # it is the first that puts it there
        return f"{what} {how}; {unless}{_AGAIN}"

    def end(self, message: str, kind: str = _FAILED) -> NoReturn:
        """End all processes with a message, unless one of them has said something before."""
        try:
            told = self._first(kind)
        except RuntimeError:  # the store has gone, most likely with the first process
            self._end_here(message if self._team.rank <= 1 else "", keep=kind == _STOPPED)
        self._end_here(message if self._own(told) else "", keep=told.startswith(_STOPPED))

    def _end_without_first(self, how: str) -> NoReturn:
        """End where the store has gone, or does not answer: most likely with the first process."""
        self._end_here(self._gone([0], how) if self._team.rank == 1 else "", keep=True)

    def _end_here(self, message: str, *, keep: bool) -> NoReturn:
        with self._ending:
            if message:
                print(f"pruneconf: {message}", file=self._stderr, flush=True)
            if self._team.folder and self._team.leads and not keep:
                shutil.rmtree(self._team.folder, ignore_errors=True)
            if self._team.leads:  # the store may be its own: the others are to see the verdict
                time.sleep(3 * _TICK)
            os._exit(FAILED)
