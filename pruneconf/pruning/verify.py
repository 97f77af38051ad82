"""Find out whether a checkpoint really satisfies a config."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pruneconf.errors import PruneconfError
from pruneconf.plan import LayerPlan, Plan
from pruneconf.pruning.checkpoint import open_checkpoint
from pruneconf.pruning.floats import Bools, magnitudes
from pruneconf.pruning.level import pruned, pruner_for
from pruneconf.pruning.report import REPORT_FILE
from pruneconf.pruning.tensorfile import Tensor, mask_entry, read_tensors
from pruneconf.pruning.tensors import format_of, locate
from pruneconf.pruning.writer import MASKS_FILE, file_digest

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as the config says: a layer, or None where it is no single layer's, and a sentence."""

    layer: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: faults, layers in model order first; how many weights were checked, and how many of their
    elements are masked (zero, where there are no masks).
    """

    faults: tuple[Fault, ...]
    weights: int
    masked: int

    @property
    def ok(self) -> bool:
        """Whether the checkpoint satisfies the config."""
        return not self.faults


def verify(plan: Plan, out: Path) -> Verdict:
    """Check a directory that `apply` or `save` wrote against a plan, layer by layer.

    Every weight that the plan prunes must be there with the model's shape and without NaN; its mask must be binary,
    take exactly as many elements as the plan says (in a group: together, and within the caps), and each of them must be
    +0.0. No other weight may be masked. Files must have the sha256 that `report.json` gives, where there is a report.
    Without `masks.safetensors` each weight must have at least as many zeros.

    Raises PruneconfError where there is no such directory, or the plan cannot be carried out at all.
    """
    pruner_for(plan, "level")
    if not out.is_dir():
        raise PruneconfError(f"there is no directory `{out}`: name one that `pruneconf apply` wrote")
    try:
        checkpoint = open_checkpoint(out)
        where = locate(plan, checkpoint.kinds, checkpoint.source)
        masks = read_tensors(out / MASKS_FILE)[0] if (out / MASKS_FILE).exists() else None
    except PruneconfError as error:  # files are missing or damaged, or are another model's
        return Verdict((Fault(None, str(error)),), 0, 0)
    masked: dict[str, int] = {}
    faults: list[Fault] = []
    plans = {entry.layer.parameter: entry for entry in reversed(plan.layers)}
    most = {layer: cap for group in plan.groups for layer, cap in group.max_masked.items()}
    for parameter, layer in pruned(plan).items():
        tensors = [checkpoint.tensors[name] for name in where[parameter]]
        try:
            masked[parameter] = _masked(parameter, tensors, masks)
            _check_count(plans[parameter], masked[parameter], most.get(layer), exact=masks is not None)
        except _OffError as off:
            faults.append(Fault(layer, f"`{layer}` {off}"))
    faults += [*_group_faults(plan, masked, exact=masks is not None), *_other_masks(plan, masks or {})]
    faults += _file_faults(out)
    return Verdict(tuple(faults), len(where), sum(masked.values()))


class _OffError(Exception):
    """A layer is not as it should be; the message says why, without the layer's name."""


def _masked(parameter: str, tensors: list[Tensor], masks: Mapping[str, Tensor] | None) -> int:
    """How many elements of a weight are masked; without masks, how many are zero."""
    size = tensors[0].data.size // (format_of(tensors[0].code).width // 8)
    mask = None
    if masks is not None:
        mask = masks.get(parameter)
        if mask is None:
            raise _OffError(f"has no mask `{parameter}` in `{MASKS_FILE}`")
        if mask.kind not in [mask_entry(tensors[0].shape, form)[:2] for form in ("bool", "packed")]:
            shape = list(tensors[0].shape)
            raise _OffError(f"has a mask of dtype {mask.code} and shape {list(mask.shape)}, expected BOOL and {shape}")
    masked = 0
    for start in range(0, size, _CHUNK):
        stop = min(start + _CHUNK, size)
        keep = None if mask is None else _keep(mask, start, stop)
        zeros = [_zeros(tensor, start, stop, keep) for tensor in tensors]
        masked += min(zeros) if keep is None else keep.size - int(np.count_nonzero(keep))
    return masked


def _keep(mask: Tensor, start: int, stop: int) -> Bools:
    if mask.code == "U8":
        return np.unpackbits(mask.data[start // 8 : (stop + 7) // 8], count=stop - start).view(np.bool_)
    values = mask.data[start:stop]
    if values.max() > 1:
        raise _OffError("has a mask that is not binary")
    return values.view(np.bool_)


def _zeros(tensor: Tensor, start: int, stop: int, keep: Bools | None) -> int:
    """How many zeros there are; raises where there is a NaN or a masked element is not +0.0."""
    own = format_of(tensor.code)
    bits = tensor.data.view(own.unsigned)[start:stop]
    keys = magnitudes(bits, own)
    if keys.max() > own.infinity:
        raise _OffError("has a NaN among its weights")
    if keep is not None and (alive := np.flatnonzero(np.multiply(bits, ~keep))).size:
        raise _OffError(f"is masked at flat index {start + int(alive[0])}, but the weight there is not +0.0")
    return keys.size - int(np.count_nonzero(keys))


def _check_count(entry: LayerPlan, masked: int, most: int | None, *, exact: bool) -> None:
    if entry.masked is not None:
        if exact and masked != entry.masked:
            raise _OffError(f"has {masked} masked elements; the config asks for {entry.masked} of {entry.layer.numel}")
        if masked < entry.masked:
            raise _OffError(f"has {masked} zeros; the config asks for {entry.masked} of {entry.layer.numel}")
    if exact and most is not None and masked > most:
        raise _OffError(f"has {masked} masked elements; its cap allows {most} of {entry.layer.numel}")


def _group_faults(plan: Plan, masked: Mapping[str, int], *, exact: bool) -> Iterator[Fault]:
    for group in plan.groups:
        if not all(layer.parameter in masked for layer in group.layers):
            continue  # one of them is off, and has been reported
        found = sum(masked[layer.parameter] for layer in group.layers)
        if found < group.masked or (exact and found != group.masked):
            what = "masked elements" if exact else "zeros"
            yield Fault(
                None,
                f"the {len(group.layers)} layers of sub-config {group.sub_config} have {found} {what} together; "
                f"the config asks for {group.masked} of {group.numel}",
            )


def _other_masks(plan: Plan, masks: Mapping[str, Tensor]) -> Iterator[Fault]:
    wanted = pruned(plan)
    owners = {layer.parameter: layer.name for layer in reversed(plan.graph.layers)}
    for parameter in masks:
        if parameter not in wanted:
            layer = owners.get(parameter)
            what = f"`{layer}` has a mask" if layer else f"there is a mask `{parameter}`"
            yield Fault(layer, f"{what}, but the config does not prune it")


def _file_faults(out: Path) -> Iterator[Fault]:
    if not (out / REPORT_FILE).exists():
        return
    try:
        outputs: dict[str, str] = json.loads((out / REPORT_FILE).read_bytes())["outputs"]
        faults = [fault for file, digest in outputs.items() if (fault := _file_fault(out / file, digest))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        yield Fault(None, f"`{REPORT_FILE}` cannot be read as a report")
        return
    yield from faults


def _file_fault(path: Path, digest: str) -> Fault | None:
    if not path.is_file():
        return Fault(None, f"`{path.name}`, which `{REPORT_FILE}` describes, is missing")
    if file_digest(path) != digest:
        return Fault(None, f"`{path.name}` is not the file that `{REPORT_FILE}` describes: its sha256 differs")
    return None
