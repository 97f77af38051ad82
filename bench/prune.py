"""Exact global magnitude pruning in memory, against `torch.nn.utils.prune.global_unstructured`.

Every row is measured in a process of its own: CPU seconds of all threads, wall seconds, and the peak of memory over
what the process held with the model built and everything imported (results included). `python bench/prune.py 1000`
prunes 1,000 M weights instead of 100 M; torch needs 55 times the weights' own memory for that, so it is left out.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import pruneconf

SPARSITY = 0.8
WIDTH = 2048
ROWS = {
    "torch": "torch global_unstructured",
    "torch, folded": "the same, and prune.remove",
    "bool": "pruneconf, bool masks",
    "packed": "pruneconf, packed masks",
    "none": "pruneconf, weights only",
    "capped": "the same, at most 0.82 per layer",
}


def build(millions: int) -> nn.Sequential:
    """Linear layers of unequal scales, fp32, `millions` * 1e6 weights or a little more."""
    torch.manual_seed(0)
    layers = []
    left = millions * 1_000_000
    while left > 0:
        layer = nn.Linear(WIDTH, WIDTH * (1 + len(layers) % 3), bias=False)
        nn.init.normal_(layer.weight, std=0.02 * (1 + len(layers) % 7 / 10))
        layers.append(layer)
        left -= layer.weight.numel()
    return nn.Sequential(*layers)


def task(row: str, model: nn.Sequential) -> Callable[[], object]:
    if row.startswith("torch"):
        from torch.nn.utils import prune

        def run() -> None:
            weights = [(layer, "weight") for layer in model]
            prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=SPARSITY)
            for layer in model if row == "torch, folded" else ():
                prune.remove(layer, "weight")

        return run
    cap = {"max_sparsity_per_layer": 0.82} if row == "capped" else {}
    config = pruneconf.load([{"op_types": ["Linear"], "total_sparsity": SPARSITY} | cap])
    plan = pruneconf.resolve(config, pruneconf.trace(model))
    form = row if row in {"bool", "packed"} else "none"
    return lambda: pruneconf.prune(model, plan, masks=form)


def peak_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(row: str, millions: int) -> None:
    model = build(millions)
    run = task(row, model)
    Path("/proc/self/clear_refs").write_text("5")  # start the peak over from what is held now
    held, cpu_before, before = peak_kib(), cpu(), time.perf_counter()
    result = run()
    wall, cpu_used = time.perf_counter() - before, cpu() - cpu_before
    numel = sum(layer.weight.numel() for layer in model)
    masked = numel - sum(int(torch.count_nonzero(layer.weight)) for layer in model)
    share = (peak_kib() - held) * 1024 / (4 * numel)
    print(json.dumps({"cpu": cpu_used, "wall": wall, "extra": share, "numel": numel, "masked": masked}))
    del result


def main() -> None:
    millions = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rows = ROWS if millions <= 100 else {key: text for key, text in ROWS.items() if not key.startswith("torch")}
    print(f"{millions} M fp32 weights, global {SPARSITY}, {torch.get_num_threads()} threads")
    print(f"{'':34} {'CPU s':>8} {'wall s':>8} {'extra memory':>13} {'CPU ratio':>10}  masked")
    torch_cpu = None
    for row, text in rows.items():
        command = [sys.executable, __file__, "--row", row, str(millions)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        torch_cpu = torch_cpu or (found["cpu"] if row == "torch" else None)
        ratio = f"{torch_cpu / found['cpu']:9.1f}x" if torch_cpu else ""
        count = f"{found['masked']} of {found['numel']}"
        print(f"{text:34} {found['cpu']:8.2f} {found['wall']:8.2f} {found['extra']:12.1%} {ratio:>11}  {count}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--row"]:
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        main()
