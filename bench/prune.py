"""Exact magnitude pruning in memory, against `torch.nn.utils.prune` and NNCF (`nncf.prune`).

Every row is measured in processes of its own, one after the other: CPU seconds of all threads, wall seconds, and the
peak of memory over what the process held with the model built and everything imported (results included). The best of
several runs: what else runs on the machine only ever takes time away. The columns with an `x` are multiples of what
`pruneconf` takes with packed masks.

`python bench/prune.py 1000` prunes 1,000 M weights instead of 100 M, in float32 and in bfloat16, and compares with
copying them once (`torch.Tensor.copy_`): one read and one write. The peers need five to fifty times the weights' own
memory for that, so they are left out. NNCF is measured where it is installed (`pip install nncf==3.4.0`).
"""

from __future__ import annotations

import importlib.util
import json
import os
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
GLOBAL = {
    "torch": "torch global_unstructured",
    "nncf": "nncf.prune, global",
    "bool": "pruneconf, bool masks",
    "packed": "pruneconf, packed masks",
    "none": "pruneconf, weights only",
    "capped": "packed, at most 0.82 per layer",
}
LOCAL = {
    "local torch": "torch l1_unstructured, each layer",
    "local nncf": "nncf.prune, local",
    "local bool": "pruneconf, each layer, bool masks",
    "local packed": "pruneconf, each layer, packed masks",
}
LARGE = {"copy": "copy_: one read, one write", "packed": "pruneconf, packed masks", "none": "pruneconf, weights only"}


class Stack(nn.Module):
    """Linear layers side by side."""

    def __init__(self, layers: list[nn.Linear]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The mean of each layer's outputs."""
        return torch.stack([layer(x).mean() for layer in self.layers])


def build(millions: int, dtype: torch.dtype = torch.float32) -> Stack:
    """Linear layers of unequal scales, `millions` * 1e6 weights or a little more."""
    torch.manual_seed(0)
    layers: list[nn.Linear] = []
    left = millions * 1_000_000
    while left > 0:
        shape = WIDTH * (1 + len(layers) % 3), WIDTH
        layer = nn.Linear(*shape[::-1], bias=False, device="meta")
        layer.weight = nn.Parameter(torch.randn(shape).mul_(0.02 * (1 + len(layers) % 7 / 10)).to(dtype))
        layers.append(layer)
        left -= layer.weight.numel()
    return Stack(layers)


def task(row: str, model: Stack) -> Callable[[], object]:
    per_layer, kind = row.startswith("local "), row.removeprefix("local ")
    if kind == "copy":
        copies = [torch.zeros_like(layer.weight) for layer in model.layers]
        return lambda: [copy.copy_(layer.weight) for copy, layer in zip(copies, model.layers, strict=True)]
    if kind == "torch":
        return torch_task(model, per_layer=per_layer)
    if kind == "nncf":
        return nncf_task(model, per_layer=per_layer)
    sparsity: dict[str, object] = {"sparsity_per_layer" if per_layer else "total_sparsity": SPARSITY}
    cap = {"max_sparsity_per_layer": 0.82} if kind == "capped" else {}
    config = pruneconf.load([{"op_types": ["Linear"]} | sparsity | cap])
    plan = pruneconf.resolve(config, pruneconf.trace(model))
    form, prune = {"capped": "packed"}.get(kind, kind), pruneconf.prune
    return lambda: prune(model, plan, masks=form)


def torch_task(model: Stack, *, per_layer: bool) -> Callable[[], object]:
    from torch.nn.utils import prune

    def run() -> None:
        if per_layer:
            for layer in model.layers:
                prune.l1_unstructured(layer, "weight", amount=SPARSITY)
        else:
            weights = [(layer, "weight") for layer in model.layers]
            prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=SPARSITY)

    return run


def nncf_task(model: Stack, *, per_layer: bool) -> Callable[[], object]:
    import nncf

    mode = nncf.PruneMode.UNSTRUCTURED_MAGNITUDE_LOCAL if per_layer else nncf.PruneMode.UNSTRUCTURED_MAGNITUDE_GLOBAL
    inputs = torch.zeros(1, WIDTH, dtype=next(model.parameters()).dtype)
    return lambda: nncf.prune(model, mode, ratio=SPARSITY, examples_inputs=inputs)


def masked_of(row: str, model: Stack, result: object) -> int:
    """How many weights are masked, as the tool has it."""
    if "nncf" in row:
        masks = [buffer for name, buffer in result.named_buffers() if "binary_mask" in name]  # type: ignore[attr-defined]
        return sum(mask.numel() - int(torch.count_nonzero(mask)) for mask in masks)
    return sum(layer.weight.numel() - int(torch.count_nonzero(layer.weight)) for layer in model.layers)


def peak_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(row: str, millions: int, dtype: str) -> None:
    model = build(millions, getattr(torch, dtype))
    run = task(row, model)
    Path("/proc/self/clear_refs").write_text("5")  # start the peak over from what is held now
    held, cpu_before, before = peak_kib(), cpu(), time.perf_counter()
    result = run()
    wall, cpu_used = time.perf_counter() - before, cpu() - cpu_before
    extra = (peak_kib() - held) / 1024
    numel = sum(layer.weight.numel() for layer in model.layers)
    masked = masked_of(row, model, result)
    print(json.dumps({"cpu": cpu_used, "wall": wall, "extra": extra, "numel": numel, "masked": masked}))


def measured(row: str, millions: int, dtype: str, times: int) -> dict[str, float]:
    """The best of several runs."""
    command = [sys.executable, __file__, "--row", row, str(millions), dtype]
    env = os.environ | {"NNCF_CI": "1"}  # which keeps it from reporting its use over the network
    outputs = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout for _ in range(times)
    ]
    found = [json.loads(output.splitlines()[-1]) for output in outputs]
    return min(found, key=lambda each: each["cpu"])


def table(title: str, rows: dict[str, str], millions: int, dtype: str, base: str) -> None:
    print(f"{title}, {millions} M {dtype} weights to {SPARSITY}, {torch.get_num_threads()} threads")
    print(f"{'':36} {'CPU s':>8} {'wall s':>8} {'extra MiB':>10} {'CPU x':>7} {'wall x':>7}  masked")
    found = {row: measured(row, millions, dtype, 2 if "torch" in row else 5 if millions <= 100 else 2) for row in rows}
    for row, text in rows.items():
        each = found[row]
        ratios = [each[key] / found[base][key] for key in ("cpu", "wall")]
        shown = "" if row == "copy" else f"{each['masked']:.0f} of {each['numel']:.0f}"
        print(f"{text:36} {each['cpu']:8.3f} {each['wall']:8.3f} {each['extra']:10.1f}", end="")
        print(f" {ratios[0]:7.1f} {ratios[1]:7.1f}  {shown}")
    print()


def main() -> None:
    millions = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    if millions > 100:
        for dtype in ("float32", "bfloat16"):
            table("all layers together", LARGE, millions, dtype, "copy")
        return
    missing = importlib.util.find_spec("nncf") is None
    for title, rows, base in (("all layers together", GLOBAL, "packed"), ("each layer alone", LOCAL, "local packed")):
        table(
            title,
            {row: text for row, text in rows.items() if not (missing and "nncf" in row)},
            millions,
            "float32",
            base,
        )
    if missing:
        print("without NNCF, which is not installed: `pip install nncf==3.4.0`")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--row"]:
        measure(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main()
