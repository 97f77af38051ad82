"""Prune one checkpoint with 1, 2 and 4 processes of this machine, and from two network namespaces: time, same bytes.

Run as `python bench/distributed.py [GB]`; needs four times that on the disk of the temporary directory. Namespaces with
addresses of their own stand for two hosts: they need root and `ip`, and are left out where those are missing.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stream import SIDE, drop_caches, make

PORT = "29517"


def command(out: str) -> list[str]:
    options = ["--weights", "in", "--masks", "packed", "-o", out]
    return [sys.executable, "-m", "pruneconf", "apply", "net.graph.json", "cfg.yaml", *options]


def timed(folder: Path, commands: Sequence[Sequence[str]], environments: Sequence[dict[str, str]]) -> float:
    """Seconds until all of these have ended, with the files in memory."""
    start = time.perf_counter()
    processes = [
        subprocess.Popen(each, cwd=folder, env=os.environ | env, stdout=subprocess.DEVNULL)
        for each, env in zip(commands, environments, strict=True)
    ]
    for process in processes:
        if process.wait():
            raise SystemExit(f"a process ended with status {process.returncode}")
    return time.perf_counter() - start


def team(size: int, address: str, interface: Sequence[str]) -> list[dict[str, str]]:
    """The environment of each process, as torchrun would set it."""
    shared = {"MASTER_ADDR": address, "MASTER_PORT": PORT, "WORLD_SIZE": str(size), "OMP_NUM_THREADS": "1"}
    return [shared | {"RANK": str(i), "GLOO_SOCKET_IFNAME": interface[i % len(interface)]} for i in range(size)]


def same(one: Path, other: Path) -> bool:
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    others = sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    return files == others and all(filecmp.cmp(one / file, other / file, shallow=False) for file in files)


@contextmanager
def namespaces() -> Iterator[tuple[str, str] | None]:
    """Two network namespaces that are joined by a cable, 10.77.0.1 and 10.77.0.2; None where that is not permitted."""
    names = f"pruneconf-{os.getpid()}-a", f"pruneconf-{os.getpid()}-b"
    ip = shutil.which("ip")
    made = []
    try:
        if ip is None or os.geteuid():
            yield None
            return
        for name in names:
            if subprocess.run([ip, "netns", "add", name], check=False, capture_output=True).returncode:
                yield None
                return
            made.append(name)
        cable = ["link", "add", "pca", "netns", names[0], "type", "veth", "peer", "name", "pcb", "netns", names[1]]
        if subprocess.run([ip, *cable], check=False, capture_output=True).returncode:
            yield None
            return
        for name, end, address in ((names[0], "pca", "10.77.0.1"), (names[1], "pcb", "10.77.0.2")):
            for each in (
                ["addr", "add", f"{address}/24", "dev", end],
                ["link", "set", end, "up"],
                ["link", "set", "lo", "up"],
            ):
                subprocess.run([ip, "-n", name, *each], check=True)
        yield names
    finally:
        for name in made:
            subprocess.run([str(ip), "netns", "del", name], check=False)


def main() -> None:
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 2
    layers = max(1, round(gigabytes * 1e9 / (4 * SIDE * SIDE)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "in", layers)
        (folder / "model.py").write_text(
            "import torch\n\n\ndef build_model():\n"
            f"    return torch.nn.Sequential(*[torch.nn.Linear({SIDE}, {SIDE}, bias=False) for _ in range({layers})])\n"
        )
        (folder / "cfg.yaml").write_text("- op_types: [Linear]\n  total_sparsity: 0.8\n  max_sparsity_per_layer: 0.9\n")
        subprocess.run(
            [sys.executable, "-m", "pruneconf", "trace", "model.py", "-o", "net.graph.json"], cwd=folder, check=True
        )
        drop_caches()
        print(
            f"{layers * 4 * SIDE * SIDE / 1e9:.1f} GB fp32, {os.cpu_count()} cores; a process of several has 1 thread"
        )
        for threads in (1, None):
            env = {"OMP_NUM_THREADS": str(threads)} if threads else {}
            shutil.rmtree(folder / "one", ignore_errors=True)
            took = timed(folder, [command("one")], [env])
            print(f"1 process, {threads or os.cpu_count()} threads: {took:.1f} s")
        for number in (2, 4):
            took = timed(folder, [command("out")] * number, team(number, "127.0.0.1", ["lo"]))
            print(f"{number} processes: {took:.1f} s, the same bytes: {same(folder / 'one', folder / 'out')}")
            shutil.rmtree(folder / "out")
        with namespaces() as found:
            if found is None:
                print("2 network namespaces: not permitted here")
                return
            runs = [["ip", "netns", "exec", space, *command("out")] for space in found]
            took = timed(folder, runs, team(2, "10.77.0.1", ["pca", "pcb"]))
            print(f"2 network namespaces: {took:.1f} s, the same bytes: {same(folder / 'one', folder / 'out')}")


if __name__ == "__main__":
    main()
