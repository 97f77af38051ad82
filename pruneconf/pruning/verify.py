"""Find out whether a checkpoint really satisfies a config."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pruneconf.errors import PruneconfError
from pruneconf.plan import LayerPlan, Plan
from pruneconf.pruning.checkpoint import Checkpoint, open_checkpoint
from pruneconf.pruning.choose import check_plan
from pruneconf.pruning.filearray import input_digest
from pruneconf.pruning.level import pruned
from pruneconf.pruning.masksfile import MASKS_FILE
from pruneconf.pruning.report import REPORT_FILE
from pruneconf.pruning.stored import OffError, masked_elements
from pruneconf.pruning.tensorfile import Tensor, read_tensors
from pruneconf.pruning.tensors import locate
from pruneconf.pruning.verify_channels import verify_channels


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
    +0.0. No other weight may be masked. Where the plan is for channels, they must be masked whole, with their biases
    and whatever else goes along, and coupled ones together. Where there is a report, files must have the sha256 that it
    gives, and masks take as many elements of each layer as it says. Without `masks.safetensors` each weight must have
    at least as many zeros, those of a group within the caps.

    Raises PruneconfError where there is no such directory, or the plan cannot be carried out at all.
    """
    check_plan(plan)
    if not out.is_dir():
        raise PruneconfError(f"there is no directory `{out}`: name one that `pruneconf apply` wrote")
    try:
        checkpoint = open_checkpoint(out)
        where = locate(plan, checkpoint.kinds, checkpoint.source)
        masks = read_tensors(out / MASKS_FILE)[0] if (out / MASKS_FILE).exists() else None
    except PruneconfError as error:  # files are missing or damaged, or are another model's
        return Verdict((Fault(None, str(error)),), 0, 0)
    faults: list[Fault] = [*_pruner_faults(plan, out)]
    if plan.structured:
        found = verify_channels(plan, checkpoint, where, masks)
        faults += [Fault(*off) for off in found.off]
        masked, keys = found.masked, found.keys
    else:
        masked, off = _verify_elements(plan, checkpoint, where, masks)
        faults += off
        keys = set(where)
    if masks is not None:
        faults += [*_other_masks(plan, masks, keys), *_count_faults(plan, out, masked)]
    faults += _file_faults(out)
    return Verdict(tuple(faults), len(where), sum(masked.values()))


def _verify_elements(
    plan: Plan, checkpoint: Checkpoint, where: Mapping[str, tuple[str, ...]], masks: Mapping[str, Tensor] | None
) -> tuple[dict[str, int], list[Fault]]:
    """How many elements each weight that a plan prunes has lost, by parameter, and what is wrong about that."""
    masked: dict[str, int] = {}
    faults: list[Fault] = []
    plans = {entry.layer.parameter: entry for entry in reversed(plan.layers)}
    most = {layer: cap for group in plan.groups for layer, cap in group.max_masked.items()}
    stored = checkpoint.tensors
    for parameter, layer in pruned(plan).items():
        tensors = [stored[name] for name in where[parameter]]
        try:
            masked[parameter] = masked_elements(parameter, tensors, masks)
            _check_count(plans[parameter], masked[parameter], most.get(layer), exact=masks is not None)
        except OffError as off:
            faults.append(Fault(layer, f"`{layer}` {off}"))
    return masked, [*faults, *_group_faults(plan, masked, exact=masks is not None)]


def _check_count(entry: LayerPlan, masked: int, most: int | None, *, exact: bool) -> None:
    if entry.masked is not None:
        if exact and masked != entry.masked:
            raise OffError(f"has {masked} masked elements; the config asks for {entry.masked} of {entry.layer.numel}")
        if masked < entry.masked:
            raise OffError(f"has {masked} zeros; the config asks for {entry.masked} of {entry.layer.numel}")
    if exact and most is not None and masked > most:
        raise OffError(f"has {masked} masked elements; its cap allows {most} of {entry.layer.numel}")


def _group_faults(plan: Plan, masked: Mapping[str, int], *, exact: bool) -> Iterator[Fault]:
    for group in plan.groups:
        if not all(layer.parameter in masked for layer in group.layers):
            continue  # one of them is off, and has been reported
        each = [(masked[layer.parameter], group.max_masked[layer.name]) for layer in group.layers]
        found = sum(number if exact else min(number, most) for number, most in each)
        if found < group.masked or (exact and found != group.masked):
            zeros = "zeros within their caps" if group.cap else "zeros"
            what = "masked elements" if exact else zeros
            yield Fault(
                None,
                f"the {len(group.layers)} layers of sub-config {group.sub_config} have {found} {what} together; "
                f"the config asks for {group.masked} of {group.numel}",
            )


def _other_masks(plan: Plan, masks: Mapping[str, Tensor], wanted: Collection[str]) -> Iterator[Fault]:
    owners = {layer.parameter: layer.name for layer in reversed(plan.graph.layers)}
    for parameter in masks:
        if parameter not in wanted:
            layer = owners.get(parameter)
            what = f"`{layer}` has a mask" if layer else f"there is a mask `{parameter}`"
            yield Fault(layer, f"{what}, but the config does not prune it")


def _pruner_faults(plan: Plan, out: Path) -> Iterator[Fault]:
    try:
        report = json.loads((out / REPORT_FILE).read_bytes())
        made = report["pruner"], report["coupled"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # there is none, or it is at fault itself
    if made != (plan.pruner, plan.coupled):
        names = [
            f"`{pruner}`{', coupled' if coupled else ''}" for pruner, coupled in (made, (plan.pruner, plan.coupled))
        ]
        yield Fault(None, f"`{REPORT_FILE}` says that it was made with the pruner {names[0]}, not {names[1]}")


def _count_faults(plan: Plan, out: Path, masked: Mapping[str, int]) -> Iterator[Fault]:
    """Where the report has another number than the mask of a parameter."""
    try:
        told = {layer["name"]: layer["masked"] for layer in json.loads((out / REPORT_FILE).read_bytes())["layers"]}
    except (OSError, ValueError, KeyError, TypeError):
        return  # there is none, or it is at fault itself
    for layer in (entry.layer for entry in plan.layers if entry.layer.parameter in masked):
        number = masked[layer.parameter]
        if told.get(layer.name, number) != number:
            reason = f"`{layer.name}` has {number} masked elements; `{REPORT_FILE}` says {told[layer.name]}"
            yield Fault(layer.name, reason)


def _file_faults(out: Path) -> Iterator[Fault]:
    if not (out / REPORT_FILE).exists():
        return
    try:
        outputs: dict[str, str] = json.loads((out / REPORT_FILE).read_bytes())["outputs"]
        faults = [fault for file, digest in outputs.items() if (fault := _file_fault(out, file, digest))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        yield Fault(None, f"`{REPORT_FILE}` cannot be read as a report")
        return
    yield from faults


def _file_fault(out: Path, file: str, digest: str) -> Fault | None:
    path = out / file
    if not path.is_file():
        return Fault(None, f"`{file}`, which `{REPORT_FILE}` describes, is missing")
    try:
        found = input_digest(path)
    except PruneconfError as error:
        return Fault(None, str(error))
    if found != digest:
        return Fault(None, f"`{file}` is not the file that `{REPORT_FILE}` describes: its sha256 differs")
    return None
