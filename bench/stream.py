"""Prune a checkpoint that is made on the spot: time against `cp` of the same files, and peak memory.

Run as `python bench/stream.py [GB] [float32|bfloat16] [FORM]`; needs three times that on the disk of the temporary
directory. The form is `shards` of safetensors, or what torch.distributed.checkpoint saves: `rows` or `columns` by four
processes, whose weights are in memory meanwhile, or `transposed` tensors by one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save_file

import pruneconf
from pruneconf.pruning import apply

SIDE, PER_SHARD, PROCESSES = 4096, 16, 4
CUTS = {"rows": 0, "columns": 1}


def make(folder: Path, layers: int, dtype: torch.dtype = torch.float32) -> None:
    folder.mkdir()
    weight_map = {}
    for start in range(0, layers, PER_SHARD):
        file = f"model-{start:05d}.safetensors"
        tensors = {
            f"{i}.weight": torch.randn(SIDE, SIDE).to(dtype) for i in range(start, min(start + PER_SHARD, layers))
        }
        save_file(tensors, folder / file, {"format": "pt"})
        weight_map |= dict.fromkeys(tensors, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def make_distributed(folder: Path, layers: int, dtype: torch.dtype, form: str) -> None:
    """In processes of their own, as they would be."""
    ranks = range(PROCESSES if form in CUTS else 1)
    pids = []
    for rank in ranks:
        if not (pid := os.fork()):
            save(folder, layers, dtype, form, rank)
            os._exit(0)
        pids.append(pid)
    if sum(os.waitpid(pid, 0)[1] for pid in pids):
        sys.exit("could not save")


def save(folder: Path, layers: int, dtype: torch.dtype, form: str, rank: int) -> None:
    """What one process has of the weights."""
    from torch.distributed import checkpoint
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import DTensor, Shard

    torch.set_num_threads(1)
    state: dict[str, torch.Tensor] = {}
    if form in CUTS:
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"
        dist.init_process_group("gloo", init_method=f"file://{folder}.store", rank=rank, world_size=PROCESSES)
        mesh = init_device_mesh("cpu", (PROCESSES,))
    for i in range(layers):
        if form not in CUTS:
            state[f"{i}.weight"] = torch.randn(SIDE, SIDE).to(dtype).t()
            continue
        part = SIDE // PROCESSES
        local = torch.randn((part, SIDE) if form == "rows" else (SIDE, part)).to(dtype)
        state[f"{i}.weight"] = DTensor.from_local(local, mesh, [Shard(CUTS[form])])
    checkpoint.state_dict_saver.save({"model": state}, checkpoint_id=folder, no_dist=form not in CUTS)


def peak_kib() -> int:
    """Of this process alone: `ru_maxrss` begins with that of the process that started it."""
    found = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def prune(folder: Path, layers: int) -> None:
    """In a process of its own: its peak memory is what is measured."""
    before = peak_kib()
    with torch.device("meta"):
        model = torch.nn.Sequential(*[torch.nn.Linear(SIDE, SIDE, bias=False) for _ in range(layers)])
    config = pruneconf.load([{"op_types": ["Linear"], "total_sparsity": 0.8}])
    plan = pruneconf.resolve(config, pruneconf.trace(model))
    start = time.perf_counter()
    apply(plan, folder / "in", folder / "out", masks="packed")
    took = time.perf_counter() - start
    peak = peak_kib()
    print(json.dumps({"seconds": took, "peak_mib": peak / 1024, "torch_mib": before / 1024}))


def drop_caches() -> bool:
    try:
        subprocess.run(["sync"], check=True)
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


def main() -> None:
    if sys.argv[1:2] == ["--prune"]:
        prune(Path(sys.argv[2]), int(sys.argv[3]))
        return
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 4
    dtype: torch.dtype = getattr(torch, sys.argv[2] if len(sys.argv) > 2 else "float32")
    form = sys.argv[3] if len(sys.argv) > 3 else "shards"
    layers = max(1, round(gigabytes * 1e9 / (dtype.itemsize * SIDE * SIDE)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if form == "shards":
            make(folder / "in", layers, dtype)
        else:
            make_distributed(folder / "in", layers, dtype, form)
        cold = drop_caches()
        start = time.perf_counter()
        subprocess.run(["cp", "-r", folder / "in", folder / "copy"], check=True)
        subprocess.run(["sync", "-f", folder / "copy"], check=True)
        copy = time.perf_counter() - start
        shutil.rmtree(folder / "copy")
        drop_caches()
        run = subprocess.run(
            [sys.executable, __file__, "--prune", folder, str(layers)], check=True, capture_output=True, text=True
        )
    found = json.loads(run.stdout)
    print(
        f"{layers * dtype.itemsize * SIDE * SIDE / 1e9:.1f} GB {dtype} in {form}, cache dropped: {cold}; "
        f"cp and sync {copy:.1f} s"
    )
    print(f"apply {found['seconds']:.1f} s = {found['seconds'] / copy:.2f} x cp")
    print(f"peak {found['peak_mib']:.0f} MiB, of which torch and pruneconf imported {found['torch_mib']:.0f} MiB")


if __name__ == "__main__":
    main()
