"""Prune a checkpoint into a new directory."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.channels import ChannelCut
from pruneconf.pruning.checkpoint import Checkpoint, Source, open_checkpoint, other_files
from pruneconf.pruning.choose import cuts_of, plan_for
from pruneconf.pruning.filearray import Stamp, check_unchanged, stamps
from pruneconf.pruning.floats import Format, Weights
from pruneconf.pruning.journal import Journal, check_purpose, close_journal, read_journal
from pruneconf.pruning.level import pruned
from pruneconf.pruning.masks import AnyCut, check_form, kept
from pruneconf.pruning.report import REPORT_FILE, Report, report_on
from pruneconf.pruning.staging import leftover, prepare, staged
from pruneconf.pruning.tensorfile import Tensor
from pruneconf.pruning.tensors import Kind, format_of, locate
from pruneconf.pruning.workers import Workers
from pruneconf.pruning.write_compact import CutOut, write_compact
from pruneconf.pruning.writer import CheckpointWriter, Masking, Outcome, Progress, file_digest
from pruneconf.version import __version__


def apply(  # noqa: PLR0913 - one for each option
    plan: Plan,
    weights: Source,
    out: Path,
    *,
    pruner: str | None = None,
    masks: str = "bool",
    seed: int = 0,
    force: bool = False,
    resume: bool = False,
    graph_file: Path | None = None,
    cut_out: CutOut | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Write the masked weights, their masks and a report into the directory `out`.

    `weights` is the built model or the path of a checkpoint (see `open_checkpoint`); neither is changed. `out` must
    not exist or be empty; with `force` it is replaced. It gets `model.safetensors` (shards and their index where the
    input has shards; a directory's other files too), `masks.safetensors` unless `masks` is `none`, and `report.json`.
    It appears whole or not at all. The report has the digests of the config, of the weights, and of `graph_file`, where
    the plan's graph was read from one, or else of the files that define the model. `pruner` and `seed` are as in
    `prune`. With `resume` it goes on where a run that was killed stopped, with the same result; nothing that the result
    depends on may have changed since. With `cut_out` it also gets `compact.safetensors`, for `load_compact`: see
    `compact`.

    Raises PruneconfError, and leaves nothing behind, where the plan does not fit the weights or cannot be met, a weight
    is NaN, or `out` cannot be written.
    """
    plan = plan_for(plan, pruner)
    check_form(masks)
    checkpoint = open_checkpoint(weights)
    described = _inputs(plan, graph_file)
    inputs = [*described, *checkpoint.inputs]
    others = [checkpoint.folder / path for path in other_files(checkpoint.folder)] if checkpoint.folder else []
    before = stamps([*inputs, *others])
    place = prepare(out, inputs, checkpoint.folder, force=force, resume=resume)
    journal = _journal(plan, masks, seed, described, {path: before[path] for path in (*checkpoint.inputs, *others)})
    found = _found(place, journal, checkpoint) if resume else None
    where = locate(plan, checkpoint.kinds, checkpoint.source)
    ranked = _ranked(plan, checkpoint, where)
    cuts = cuts_of(plan, ranked, checkpoint.kinds, Workers(torch.get_num_threads()), seed)
    with staged(place, force=force, resume=found is not None) as folder:
        maskings = _maskings(where, cuts, checkpoint.kinds)
        writer = CheckpointWriter(
            folder, checkpoint, maskings, masks, progress, (found or journal) if checkpoint.inputs else None
        )
        writer.write()
        outcomes = {name: _outcome(ranked[name].format, cuts[name], writer.outcomes[name]) for name in ranked}
        compacted, outputs = None, writer.outputs
        if cut_out:
            files = [shard.file for shard in checkpoint.shards]
            compacted, more = write_compact(folder, files, plan, cuts, cut_out)
            outputs = {**outputs, **more}
        digests = {str(path): writer.inputs.get(path) or file_digest(path) for path in inputs}
        report = report_on(plan, seed, outcomes, digests, outputs, compacted)
        (folder / REPORT_FILE).write_text(json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n", "utf-8")
        check_unchanged(before)
        close_journal(folder)
    return report


def _journal(plan: Plan, masks: str, seed: int, described: list[Path], weights: Mapping[Path, Stamp]) -> Journal:
    """An empty journal of a run for all that its result depends on."""
    layers = [(entry.layer.name, entry.layer.parameter, entry.action.name, entry.masked) for entry in plan.layers]
    budgets = [([layer.name for layer in each.layers], each.count, list(each.max_masked)) for each in plan.budgets]
    purpose = {f"`{path}`": file_digest(path) for path in described}
    purpose |= {f"`{path}`": "-".join(map(str, stamp)) for path, stamp in weights.items()}
    purpose |= {
        "the pruner": f"{plan.pruner} {plan.coupled} {seed if plan.pruner == 'random' else None}",
        "the plan": hashlib.sha256(repr((layers, budgets)).encode()).hexdigest(),
        "the form of masks": masks,
        "the version of pruneconf": __version__,
    }
    return Journal(purpose)


def _found(place: Path, journal: Journal, checkpoint: Checkpoint) -> Journal | None:
    """The journal of the run that was killed, if it got so far."""
    if not checkpoint.inputs:
        raise PruneconfError("only a checkpoint's pruning can be resumed; name the weights with `--weights`")
    left = leftover(place)
    found = read_journal(left) if left else None
    if found:
        check_purpose(found, journal.purpose)
    return found


def _inputs(plan: Plan, graph_file: Path | None) -> list[Path]:
    described = [graph_file] if graph_file else map(Path, plan.graph.sources)
    return [path for path in (Path(plan.config.document.name), *described) if path.is_file()]


def _ranked(plan: Plan, checkpoint: Checkpoint, where: Mapping[str, tuple[str, ...]]) -> dict[str, Weights]:
    """The weights to be ranked, by parameter. Copies of one weight must be equal."""
    tensors = checkpoint.tensors
    layers = pruned(plan)
    ranked = {}
    for parameter, names in where.items():
        first = tensors[names[0]]
        for name in names[1:]:
            if not _equal(first, tensors[name]):
                raise PruneconfError(
                    f"`{names[0]}` and `{name}` are one weight in the model but differ in {checkpoint.source}; "
                    "save the checkpoint from a model that ties them"
                )
        known = format_of(first.code)
        ranked[parameter] = Weights(layers[parameter], known, first.data.view(known.unsigned))
    return ranked


def _equal(one: Tensor, other: Tensor) -> bool:
    if one.kind != other.kind:
        return False
    step = 1 << 24
    return one.data is other.data or all(
        one.data[start : start + step].tobytes() == other.data[start : start + step].tobytes()
        for start in range(0, one.data.size, step)
    )


def _maskings(
    where: Mapping[str, tuple[str, ...]], cuts: Mapping[str, AnyCut], kinds: Mapping[str, Kind]
) -> dict[str, Masking]:
    maskings: dict[str, Masking] = {}
    for key, cut in cuts.items():
        names = cut.names if isinstance(cut, ChannelCut) and key not in where else where[key]
        own = format_of(kinds[names[0]][0])
        maskings |= dict.fromkeys(names, Masking(key, own, partial(kept, own=own, cut=cut)))
    return maskings


def _outcome(own: Format, cut: AnyCut, outcome: Outcome) -> tuple[int, float | None]:
    """How many elements of a weight are masked, and the highest finite score among them."""
    score = cut.score if isinstance(cut, ChannelCut) else own.value(outcome.highest) if outcome.masked else None
    return outcome.masked, score if score is not None and math.isfinite(score) else None
