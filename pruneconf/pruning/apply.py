"""Prune a checkpoint into a new directory."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch

from pruneconf.errors import PruneconfError
from pruneconf.histogram import Histogram
from pruneconf.plan import Plan
from pruneconf.pruning.channels import ChannelCut
from pruneconf.pruning.checkpoint import Checkpoint, Source, open_checkpoint, other_files
from pruneconf.pruning.choose import cuts_of, plan_for
from pruneconf.pruning.device import device_named, shipped
from pruneconf.pruning.filearray import Stamp, check_unchanged, stamps
from pruneconf.pruning.floats import Format, Weights
from pruneconf.pruning.journal import Journal, check_purpose, close_journals, read_journal
from pruneconf.pruning.level import pruned
from pruneconf.pruning.masking import Masking, Outcome
from pruneconf.pruning.masks import AnyCut, check_form, kept
from pruneconf.pruning.outfile import file_digest
from pruneconf.pruning.report import PAGE_FILE, REPORT_FILE, Report, report_on
from pruneconf.pruning.spread import histograms
from pruneconf.pruning.staging import explained, leftover, prepare, staged
from pruneconf.pruning.team import ALONE, LostError, Team
from pruneconf.pruning.tensorfile import Tensor
from pruneconf.pruning.tensors import Kind, format_of, locate
from pruneconf.pruning.workers import Workers
from pruneconf.pruning.write_compact import CutOut, write_compact
from pruneconf.pruning.writer import CROWD, CheckpointWriter
from pruneconf.version import __version__

Progress = Callable[[str, int, int], None]
"""Called with the phase, how much of it is done and how much there is in all, 0 where that is unknown: weights while
ranking (as often as they are gone through), else bytes.
"""

Page = Callable[[Report, Mapping[str, Histogram]], str]
"""Makes a page to read of a report and of histograms of the weights by parameter."""


def apply(  # noqa: PLR0913 - one for each choice there is
    plan: Plan,
    weights: Source,
    out: Path,
    *,
    pruner: str | None = None,
    masks: str = "bool",
    seed: int = 0,
    force: bool = False,
    resume: bool = False,
    device: str = "cpu",
    graph_file: Path | None = None,
    cut_out: CutOut | None = None,
    page: Page | None = None,
    progress: Progress = lambda _phase, _done, _total: None,
    team: Team = ALONE,
) -> Report:
    """Write the masked weights, their masks and a report into the directory `out`.

    `weights` is the built model or the path of a checkpoint (see `open_checkpoint`); neither is changed. `out` must
    not exist or be empty; with `force` it is replaced. It gets `model.safetensors` (shards and their index where the
    input has shards, or is large and of torch.distributed.checkpoint; a directory's other files too),
    `masks.safetensors` unless `masks` is `none`, and `report.json`.
    It appears whole or not at all. The report has the digests of the config, of the weights, and of `graph_file`, where
    the plan's graph was read from one, or else of the files that define the model. `pruner` and `seed` are as in
    `prune`. `level` ranks on the torch `device`, with the same result on any. With `resume` it goes on where a run that
    was killed stopped, with the same result; nothing that the result depends on may have changed since. With `cut_out`
    it also gets `compact.safetensors`, for `load_compact`: see `compact`. With `page` it gets `report.html`, which
    holds what `page` returns.

    In a `team` all processes call this with the same arguments: each ranks as many of the weights as any other, and
    writes some of the shards. The result is the same, byte for byte.

    Raises PruneconfError, and leaves nothing behind, where the plan does not fit the weights or cannot be met, a weight
    is NaN, or `out` cannot be written.
    """
    plan = plan_for(plan, pruner)
    check_form(masks)
    place_to_rank = device_named(device)
    checkpoint = open_checkpoint(weights)
    _check_team(team, checkpoint, compact=cut_out is not None, on_device=device != "cpu")
    described = inputs_of(plan, graph_file)
    inputs = [*described, *checkpoint.inputs]
    others = [checkpoint.folder / path for path in other_files(checkpoint.folder)] if checkpoint.folder else []
    before = stamps([*inputs, *others])
    place = prepare(
        out,
        before,
        checkpoint.folder,
        force=force,
        clear=team.leads,
        keep=lambda left: resume and bool(read_journal(left)),
    )
    journal = _journal(plan, masks, seed, described, {path: before[path] for path in (*checkpoint.inputs, *others)})
    found = _found(place, journal, checkpoint) if resume else None
    where = locate(plan, checkpoint.kinds, checkpoint.source)
    ranked = ranked_weights(plan, checkpoint, where, team)
    brought = {name: replace(layer, bits=shipped(layer.bits, place_to_rank)) for name, layer in ranked.items()}
    cuts = cuts_of(plan, brought, checkpoint.kinds, _workers(ranked, progress, team), seed, team)
    spread = histograms(ranked, cuts) if page and team.leads else {}
    with _staged(place, team, force=force, resume=found is not None) as folder:
        maskings = _maskings(where, cuts, checkpoint.kinds)
        writing = partial(progress, "writing")
        kept_journal = (found or journal) if checkpoint.inputs else None
        writer = CheckpointWriter(folder, checkpoint, maskings, masks, writing, kept_journal, team)
        written = writer.write()
        check_unchanged(before)
        team.gather(None)  # all have found their inputs unchanged
        if not team.leads:
            theirs: Report = team.publish(None)
            return theirs
        outcomes = {name: _outcome(ranked[name].format, cuts[name], written.outcomes[name]) for name in ranked}
        compacted, outputs = None, written.outputs
        if cut_out:
            files = [shard.file for shard in checkpoint.shards]
            compacted, more = write_compact(folder, files, plan, cuts, cut_out)
            outputs = {**outputs, **more}
        report = report_on(plan, seed, outcomes, _digests(inputs, written.inputs, progress), outputs, compacted)
        if page:
            text = page(report, spread).encode()
            (folder / PAGE_FILE).write_bytes(text)
            report = replace(report, outputs={**outputs, PAGE_FILE: hashlib.sha256(text).hexdigest()})
        (folder / REPORT_FILE).write_text(json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n", "utf-8")
        check_unchanged(before)
        close_journals(folder)
        progress("flushing", 0, 0)
        team.settle()
    team.publish(report)
    return report


def _check_team(team: Team, checkpoint: Checkpoint, *, compact: bool, on_device: bool) -> None:
    """Raise PruneconfError where something is wanted that several processes do not do."""
    if team.size == 1:
        return
    if not checkpoint.inputs:
        raise PruneconfError("several processes prune a checkpoint together; name the weights with `--weights`")
    for wanted, option in ((compact, "--compact"), (on_device, "--device")):
        if wanted:
            raise PruneconfError(f"`{option}` is for one process; run it without `torchrun`")


@contextmanager
def _staged(place: Path, team: Team, *, force: bool, resume: bool) -> Iterator[Path]:
    """The directory to write into, which the first process sees to."""
    if not team.leads:
        with explained(place):
            yield team.gather(None)[0]
        return
    with staged(place, force=force, resume=resume, unless=(LostError,)) as folder:
        team.folder = folder
        team.gather(folder)
        try:
            yield folder
        except LostError:
            raise
        except Exception:
            team.fail()  # before the others find the directory gone
            raise
    team.folder = None


def _workers(ranked: Mapping[str, Weights], progress: Progress, team: Team) -> Workers:
    """Workers that tell how far the ranking is."""
    total, done = sum(layer.bits.size for layer in ranked.values()) // team.size, 0

    def went(number: int) -> None:
        nonlocal done
        done += number
        progress("ranking", done, max(done, total))

    return Workers(torch.get_num_threads(), went=went)


def _digests(files: Iterable[Path], known: Mapping[Path, str], progress: Progress) -> dict[str, str]:
    """The digests of files, of which some are known."""
    sizes = {path: path.stat().st_size for path in files if path not in known}
    found, done, total = {str(path): digest for path, digest in known.items()}, 0, sum(sizes.values())
    for path, size in sizes.items():
        progress("hashing", done, total)
        found[str(path)] = file_digest(path, forgets=total > CROWD)
        done += size
    return {str(path): found[str(path)] for path in files}


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


def inputs_of(plan: Plan, graph_file: Path | None) -> list[Path]:
    """The files that say what is done, beside those with the weights."""
    described = [graph_file] if graph_file else map(Path, plan.graph.sources)
    return [path for path in (Path(plan.config.document.name), *described) if path.is_file()]


def ranked_weights(
    plan: Plan, checkpoint: Checkpoint, where: Mapping[str, tuple[str, ...]], team: Team = ALONE
) -> dict[str, Weights]:
    """The weights to be ranked, by parameter. Raises PruneconfError where copies of one weight differ."""
    tensors = checkpoint.tensors
    layers = pruned(plan)
    ranked = {}
    for number, (parameter, names) in enumerate(where.items()):
        first = tensors[names[0]]
        for name in names[1:] if number % team.size == team.rank else ():
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
