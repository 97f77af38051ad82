"""How fast this machine is at each of the things that `apply` does: what `bench/scaling.py` reckons with."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Host:
    """What one process has: bytes a second (of weights; `mask` and `count` by one thread), seconds, cores."""

    read: float
    write: float
    hash: float
    count: float
    mask: float
    latency: float
    link: float
    cores: float
    threads: int
    store: float = float("inf")


def stopwatch(work: Callable[[], object], times: int = 3) -> float:
    """The best of some times, in seconds."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def measured(itemsize: int) -> Host:
    """The rates of this machine, each by one thread, for weights of 2 or 4 bytes."""
    import numpy as np

    from pruneconf.pruning.cuts import Cut
    from pruneconf.pruning.floats import BFLOAT16, FLOAT32
    from pruneconf.pruning.masking import Masking, Outcome, masked
    from pruneconf.pruning.masks import kept
    from pruneconf.pruning.pieces import Piece
    from pruneconf.pruning.survey import Window, _look
    from pruneconf.pruning.workers import Workers

    own, shift = (BFLOAT16, 0) if itemsize == 2 else (FLOAT32, 16)
    normal = np.random.default_rng(0).standard_normal(CHUNK, np.float32).view(np.uint32)
    data = (normal >> (16 - shift)).astype(own.unsigned)
    size, cut = data.nbytes, Cut(0x3F000000 >> (16 - shift), CHUNK, 0)
    masking = Masking("", own, lambda bits, start: kept(bits, start, own, cut))

    chunk = Workers().chunk
    window = Window(0x3FA3_0000 >> (16 - shift), 0x3FA4_FFFF >> (16 - shift))  # from 1.273 to 1.289

    def count() -> None:
        _look(Piece(0, 0, own, data), window, range(0, CHUNK, chunk), chunk)

    with tempfile.TemporaryDirectory() as folder:
        write, read = _disk(Path(folder) / "data", data.tobytes() * 16)
    mask = stopwatch(
        lambda: [masked(data[at : at + (1 << 18)], at, masking, Outcome()) for at in range(0, CHUNK, 1 << 18)]
    )
    hashing = stopwatch(lambda: hashlib.sha256(data.data))
    latency, link = gloo()
    cores = os.cpu_count() or 1
    return Host(read, write, size / hashing, size / stopwatch(count), size / mask, latency, link, cores, 1)


def _disk(path: Path, data: bytes) -> tuple[float, float]:
    """Bytes a second to write a file through to the disk, and to read it again from there."""

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            file.write(data)
            os.fsync(file.fileno())

    def read() -> None:
        with path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while file.read(1 << 20):
                pass

    return len(data) / stopwatch(write, 1), len(data) / stopwatch(read, 1)


RING = """
import sys, time, torch, torch.distributed as dist
dist.init_process_group("gloo", init_method="tcp://127.0.0.1:" + sys.argv[2], rank=int(sys.argv[1]), world_size=2)
for n in (1, 1 << 20):
    data = torch.ones(n, dtype=torch.int64)
    dist.all_reduce(data)
    start = time.perf_counter()
    for _ in range(20):
        dist.all_reduce(data)
    print((time.perf_counter() - start) / 20)
dist.destroy_process_group()
"""


def gloo() -> tuple[float, float]:
    """Seconds a step of a ring of two processes here, and bytes a second between them."""
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    both = [
        subprocess.Popen([sys.executable, "-c", RING, str(rank), port], env=env, stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    small, large = map(float, [process.communicate()[0] for process in both][0].split())  # noqa: RUF015 - both have to end
    return small / 2, 8 * (1 << 20) / max(large - small, 1e-9)
