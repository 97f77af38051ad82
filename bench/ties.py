"""How many weights are masked of how many that were asked for, where many magnitudes are equal.

In bfloat16 about a third of a percent of normally distributed weights have the magnitude at which 80 % are reached,
and a percent or more where the weights were dequantised from 8-bit integers. `python bench/ties.py` prunes 100 M of
both with pruneconf, with NNCF where it is installed, and in the usual few lines: mask what `torch.kthvalue` is not
below, or what it is above.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import torch
from prune import SPARSITY, Stack, build, nncf_task, task

MILLIONS = 100


def dequantised(model: Stack) -> Stack:
    """The model as from an int8 checkpoint with one scale for each layer."""
    for layer in model.layers:
        scale = layer.weight.detach().abs().max().float() / 127
        layer.weight.data.copy_((layer.weight.data.float() / scale).round() * scale)
    return model


def by_threshold(model: Stack, keep: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], *, per_layer: bool) -> int:
    """Mask by comparison with the k-th lowest magnitude, of each layer or of all."""
    sizes = [layer.weight.detach().abs().flatten() for layer in model.layers]
    kept = 0
    for group in sizes if per_layer else [torch.cat(sizes)]:
        threshold = group.kthvalue(round(SPARSITY * group.numel())).values
        kept += int(keep(group, threshold).sum())
    return sum(size.numel() for size in sizes) - kept


def by_pruneconf(model: Stack, *, per_layer: bool) -> int:
    task("local none" if per_layer else "none", model)()
    return sum(layer.weight.numel() - int(torch.count_nonzero(layer.weight)) for layer in model.layers)


def by_nncf(model: Stack, *, per_layer: bool) -> int:
    found = nncf_task(model, per_layer=per_layer)()
    masks = [buffer for name, buffer in found.named_buffers() if "binary_mask" in name]  # type: ignore[attr-defined]
    return sum(mask.numel() - int(torch.count_nonzero(mask)) for mask in masks)


def main() -> None:
    tools: dict[str, Callable[..., int]] = {
        "pruneconf": by_pruneconf,
        "abs() > kthvalue": lambda model, **how: by_threshold(model, torch.gt, **how),
        "abs() >= kthvalue": lambda model, **how: by_threshold(model, torch.ge, **how),
    }
    if importlib.util.find_spec("nncf"):
        tools["nncf.prune"] = by_nncf
    else:
        print("without NNCF, which is not installed: `pip install nncf==3.4.0`")
    for title, prepare in (("bfloat16", lambda model: model), ("bfloat16, dequantised from int8", dequantised)):
        for per_layer in (False, True):
            how = "each layer alone" if per_layer else "all layers together"
            for tool, run in tools.items():
                model = prepare(build(MILLIONS, torch.bfloat16))
                numels = [layer.weight.numel() for layer in model.layers]
                asked = sum(numel * 8 // 10 for numel in (numels if per_layer else [sum(numels)]))
                zeros = sum(numels) - sum(int(torch.count_nonzero(layer.weight)) for layer in model.layers)
                masked = run(model, per_layer=per_layer)
                print(f"{title:31} {how:19} {tool:17} {asked:>10} {masked:>10} {masked - asked:>+10}", end="")
                print(f"  ({zeros} were zero)")


if __name__ == "__main__":
    main()
