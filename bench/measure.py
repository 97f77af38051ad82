"""Time whole processes by the operating system's own accounting: CPU seconds and peak memory of each run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Run(NamedTuple):
    """CPU seconds (user and system) and peak resident memory in MiB of one process."""

    cpu: float
    peak: float


def run(command: Sequence[str]) -> Run:
    """Run a command once, its output thrown away."""
    # as installed: without compiled bytecode every run would compile every module anew
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measured(command: Sequence[str], times: int) -> Run:
    """The median of a command, run several times after a warm-up."""
    run(command)
    return _median([run(command) for _ in range(times)])


def compare(ours: Sequence[str], peer: Sequence[str], times: int) -> tuple[Run, Run, float]:
    """Medians of both commands, run in turn after a warm-up, and the median ratio of their CPU seconds."""
    run(ours), run(peer)
    pairs = [(run(ours), run(peer)) for _ in range(times)]
    ratio = median(a.cpu / b.cpu for a, b in pairs)
    return _median([a for a, _ in pairs]), _median([b for _, b in pairs]), ratio


def _median(runs: Sequence[Run]) -> Run:
    return Run(median(r.cpu for r in runs), max(r.peak for r in runs))
