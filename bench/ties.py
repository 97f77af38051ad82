"""How many weights are masked of how many that were asked for, where many magnitudes are equal.

In bfloat16 about a third of a percent of normally distributed weights have the magnitude at which 80 % are reached.
More do where the weights were dequantised: from 8-bit integers with one scale a layer, or from MXFP8, whose scales are
powers of two, so that all layers share a few hundred magnitudes. `python bench/ties.py` prunes 100 M weights of each
kind with pruneconf, with `torch.nn.utils.prune`, with NNCF where it is installed, and in the usual few lines: mask what
`torch.kthvalue` is not below, or what it is above. `python bench/ties.py 1000` prunes 1,000 M of the first kind.

Weights are drawn at random. Every row is a process of its own, which may take `LIMIT` of memory.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import subprocess
import sys
from collections.abc import Callable

import torch
from prune import SPARSITY, Stack, build, nncf_task, task, torch_task

LIMIT = 18 << 30


def from_int8(weight: torch.Tensor) -> torch.Tensor:
    """As from an int8 checkpoint with one scale for the layer."""
    scale = weight.abs().max().float() / 127
    return (weight.float() / scale).round() * scale


def from_mxfp8(weight: torch.Tensor) -> torch.Tensor:
    """As from an MXFP8 checkpoint: E4M3, in blocks of 32 with a power of two as scale. In bfloat16 this is exact."""
    blocks = weight.float().view(-1, 32)
    scale = torch.exp2(torch.floor(torch.log2(blocks.abs().amax(1, keepdim=True))) - 8)
    return ((blocks / scale).clamp(-448, 448).to(torch.float8_e4m3fn).float() * scale).view_as(weight)


KINDS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "bf16": lambda weight: weight,
    "bf16, dequantised from int8": from_int8,
    "bf16, dequantised from MXFP8": from_mxfp8,
}


def groups(model: Stack, *, per_layer: bool) -> list[list[torch.Tensor]]:
    """The weights that are ranked together."""
    weights = [layer.weight.detach() for layer in model.layers]
    return [[weight] for weight in weights] if per_layer else [weights]


def asked(model: Stack, *, per_layer: bool) -> tuple[int, int]:
    """How many weights are to be masked, and how many are exactly as large as the last of them, counted one by one."""
    total = ties = 0
    for group in groups(model, per_layer=per_layer):
        wanted = sum(weight.numel() for weight in group) * 8 // 10
        magnitudes = (weight.view(torch.int16).flatten() & 0x7FFF for weight in group)
        counts = sum(torch.bincount(each, minlength=1 << 15) for each in magnitudes)
        assert isinstance(counts, torch.Tensor)
        total += wanted
        ties += int(counts[torch.searchsorted(counts.cumsum(0), wanted)])
    return total, ties


def by_threshold(model: Stack, keep: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], *, per_layer: bool) -> int:
    """Mask by comparison with the k-th lowest magnitude, of each layer or of all."""
    masked = 0
    for group in groups(model, per_layer=per_layer):
        sizes = torch.cat([weight.flatten() for weight in group]).abs_()
        threshold = sizes.kthvalue(round(SPARSITY * sizes.numel())).values
        masked += sizes.numel() - int(keep(sizes, threshold).sum())
    return masked


def by_pruneconf(model: Stack, *, per_layer: bool) -> int:
    task("local none" if per_layer else "none", model)()
    return sum(layer.weight.numel() - int(torch.count_nonzero(layer.weight)) for layer in model.layers)


def by_torch(model: Stack, *, per_layer: bool) -> int:
    torch_task(model, per_layer=per_layer)()
    return by_buffers(model, "weight_mask")


def by_nncf(model: Stack, *, per_layer: bool) -> int:
    found = nncf_task(model, per_layer=per_layer)()
    assert isinstance(found, torch.nn.Module)
    return by_buffers(found, "binary_mask")


def by_buffers(model: torch.nn.Module, part: str) -> int:
    masks = [buffer for name, buffer in model.named_buffers() if part in name]
    return sum(mask.numel() - int(torch.count_nonzero(mask)) for mask in masks)


TOOLS: dict[str, Callable[..., int]] = {
    "pruneconf": by_pruneconf,
    "`abs() > kthvalue`": lambda model, **how: by_threshold(model, torch.gt, **how),
    "`abs() >= kthvalue`": lambda model, **how: by_threshold(model, torch.ge, **how),
    "NNCF": by_nncf,
    "`torch.nn.utils.prune`": by_torch,
}


def row(tool: str, kind: str, how: str, millions: int) -> str:
    model = build(millions, torch.bfloat16)
    for layer in model.layers:
        layer.weight.data.copy_(KINDS[kind](layer.weight.detach()))
    per_layer = how == "each layer alone"
    wanted, ties = asked(model, per_layer=per_layer)
    start = f"| {tool} on {kind} | {how} | {ties:,} | {wanted:,} |"
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    try:
        masked = TOOLS[tool](model, per_layer=per_layer)
    except (MemoryError, RuntimeError) as error:
        if "memory" not in str(error).lower():
            raise
        return f"{start} needs over {LIMIT >> 30} GiB | |"
    return f"{start} {masked:,} | {f'{masked - wanted:+,}' if masked != wanted else '0'} |"


def main(millions: int) -> None:
    tools = list(TOOLS)
    if importlib.util.find_spec("nncf") is None:
        tools.remove("NNCF")
        print("without NNCF, which is not installed: `pip install nncf==3.4.0`")
    print(f"| {millions} M weights | ranked | as large as the threshold | asked | masked | off by |")
    print("|---|---|---|---|---|---|")
    env = os.environ | {"NNCF_CI": "1"}  # which keeps it from reporting its use over the network
    for kind in KINDS if millions <= 100 else ["bf16"]:
        for how in ("all layers together", "each layer alone"):
            for tool in tools:
                command = [sys.executable, __file__, tool, kind, how, str(millions)]
                output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=env).stdout
                print(output.splitlines()[-1], flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(row(*sys.argv[1:4], int(sys.argv[4])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
