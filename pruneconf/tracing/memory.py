"""A limit on the memory of this process, so that a model's code ends with an error and not the whole machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LEAST = 2 << 30
"""What torch and a forward pass without values need in any case, in bytes."""


def limit_memory() -> None:
    """Let allocations fail beyond three quarters of the free memory; only where the system can do so (Linux)."""
    try:
        import resource
    except ImportError:  # Windows
        return
    # Not RLIMIT_AS: that counts address space, which CUDA reserves by the terabyte and never touches.
    with suppress(ValueError, OSError):  # the hard limit is lower already
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (max(_free_memory() * 3 // 4, _LEAST), hard))


def _free_memory() -> int:
    """The bytes that the machine can still give, or the container that this process runs in."""
    return min([*_available(), *_allowed()], default=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _available() -> Iterator[int]:
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                yield int(line.split()[1]) << 10


def _allowed() -> Iterator[int]:
    """The limits of the control groups, version 2 and 1, as seen from inside a container and from outside."""
    groups = [""]
    with suppress(OSError):
        groups += [line.split(":", 2)[2] for line in Path("/proc/self/cgroup").read_text().splitlines()]
    for group in dict.fromkeys(groups):
        for file in (f"{group}/memory.max", f"/memory{group}/memory.limit_in_bytes"):
            with suppress(OSError, ValueError):  # not there, or `max`
                yield int(Path(f"/sys/fs/cgroup{file}").read_text(encoding="ascii"))
