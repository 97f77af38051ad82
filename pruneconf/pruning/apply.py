"""Prune a checkpoint into a new directory."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch

from pruneconf.errors import PruneconfError
from pruneconf.histogram import Histogram
from pruneconf.plan import Plan
from pruneconf.pruning.channels import ChannelCut
from pruneconf.pruning.checkpoint import Checkpoint, Source, open_checkpoint
from pruneconf.pruning.choose import cuts_of, plan_for
from pruneconf.pruning.device import device_named, shipped
from pruneconf.pruning.filearray import check_unchanged, input_digest, stamps
from pruneconf.pruning.floats import Format, Weights
from pruneconf.pruning.inputs import Inputs, inputs_of
from pruneconf.pruning.journal import Journal, close_journals, read_journal
from pruneconf.pruning.masking import Masking, Outcome
from pruneconf.pruning.masks import AnyCut, check_form, kept
from pruneconf.pruning.ranked import ranked_weights
from pruneconf.pruning.report import PAGE_FILE, REPORT_FILE, Report, report_on
from pruneconf.pruning.resume import begun, found
from pruneconf.pruning.scores import seed_for
from pruneconf.pruning.spread import histograms
from pruneconf.pruning.staging import explained, prepare, staged
from pruneconf.pruning.team import ALONE, LostError, Team
from pruneconf.pruning.tensors import Kind, format_of, locate
from pruneconf.pruning.workers import Workers
from pruneconf.pruning.write_compact import CutOut, write_compact
from pruneconf.pruning.writer import CROWD, CheckpointWriter, Written

Progress = Callable[[str, int, int], None]
"""Called with the phase, how much of it is done and how much there is in all, 0 where that is unknown: weights while
ranking (as often as they are gone through), else bytes.
"""

Page = Callable[[Report, Mapping[str, Histogram]], str]
"""Makes a page to read of a report and of histograms of the weights by parameter."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What is asked for: which weights are pruned how, and what is made of that."""

    plan: Plan
    checkpoint: Checkpoint
    inputs: Inputs
    masks: str
    seed: int
    device: torch.device
    cut_out: CutOut | None
    page: Page | None
    progress: Progress
    team: Team


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The weights that were ranked, what is cut, both by the key of the mask, and from which tensor; for the page,
    histograms.
    """

    ranked: Mapping[str, Weights]
    cuts: Mapping[str, AnyCut]
    maskings: Mapping[str, Masking]
    spread: Mapping[str, Histogram]


def apply(  # noqa: PLR0913 - one for each choice there is
    plan: Plan,
    weights: Source,
    out: Path,
    *,
    pruner: str | None = None,
    masks: str = "bool",
    seed: int | None = None,
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
    `prune`. `level` ranks on the torch `device` (of a team each process on its own, where that has no number), with the
    same result on any. With `resume` it goes on where a run that was killed stopped, with the same result; nothing that
    the result depends on may have changed since. With `cut_out`
    it also gets `compact.safetensors`, for `load_compact`: see `compact`. With `page` it gets `report.html`, which
    holds what `page` returns.

    In a `team` all processes call this with the same arguments: each ranks as many of the weights as any other, and
    writes some of the shards. The result is the same, byte for byte.

    Raises PruneconfError, and leaves nothing behind, where the plan does not fit the weights or cannot be met, a weight
    is NaN, or `out` cannot be written.
    """
    plan = plan_for(plan, pruner)
    check_form(masks)
    ranks_on = device_named(device)
    checkpoint = open_checkpoint(weights)
    _check_team(team, checkpoint, compact=cut_out is not None)
    inputs = inputs_of(plan, checkpoint, graph_file)
    drawn = seed_for(plan.pruner, seed)
    run = _Run(plan, checkpoint, inputs, masks, drawn, ranks_on, cut_out, page, progress, team)
    before = stamps(inputs.every)
    keep = read_journal if resume else None
    place = prepare(out, before, checkpoint.folder, force=force, clear=team.leads, keep=keep)
    journal = begun(plan, inputs, before, masks, drawn)
    left = found(place, journal, inputs) if resume else None
    chosen = _choose(run)
    with _staged(place, team, force=force, resume=left is not None) as folder:
        written = _write(run, chosen, folder, left or journal)
        check_unchanged(before)
        team.gather(None)  # all have found their inputs unchanged
        if not team.leads:
            theirs: Report = team.publish(None)
            return theirs
        report = _report(run, chosen, written, folder)
        check_unchanged(before)
        close_journals(folder)
        progress("flushing", 0, 0)
        team.settle()
    team.publish(report)
    return report


def _check_team(team: Team, checkpoint: Checkpoint, *, compact: bool) -> None:
    """Raise PruneconfError where something is wanted that several processes do not do."""
    if team.size == 1:
        return
    if not checkpoint.inputs:
        raise PruneconfError("several processes prune a checkpoint together; name the weights with `--weights`")
    if compact:
        raise PruneconfError("`--compact` is for one process; run it without `torchrun`")


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


def _choose(run: _Run) -> _Chosen:
    """Rank the weights."""
    kinds, team = run.checkpoint.kinds, run.team
    where = locate(run.plan, kinds, run.checkpoint.source)
    ranked = ranked_weights(run.plan, run.checkpoint, where, team)
    brought = {name: replace(layer, bits=shipped(layer.bits, run.device)) for name, layer in ranked.items()}
    cuts = cuts_of(run.plan, brought, kinds, _workers(ranked, run.progress, team), run.seed, team)
    spread = histograms(ranked, cuts) if run.page and team.leads else {}
    return _Chosen(ranked, cuts, _maskings(where, cuts, kinds), spread)


def _write(run: _Run, chosen: _Chosen, folder: Path, journal: Journal) -> Written:
    """Write the checkpoint; one that is read from files can be resumed."""
    kept_journal = journal if run.checkpoint.inputs else None
    progress = partial(run.progress, "writing")
    return CheckpointWriter(
        folder, run.checkpoint, chosen.maskings, run.masks, progress, kept_journal, run.team
    ).write()


def _report(run: _Run, chosen: _Chosen, written: Written, folder: Path) -> Report:
    """Write what else is asked for, and the report on everything."""
    compacted, outputs = None, written.outputs
    if run.cut_out:
        files = [shard.file for shard in run.checkpoint.shards]
        compacted, more = write_compact(folder, files, run.plan, chosen.cuts, run.cut_out)
        outputs = {**outputs, **more}
    outcomes = {
        name: _outcome(layer.format, chosen.cuts[name], written.outcomes[name]) for name, layer in chosen.ranked.items()
    }
    digests = _digests((*run.inputs.described, *run.inputs.weights), written.inputs, run.progress)
    report = report_on(run.plan, run.seed, outcomes, digests, outputs, compacted)
    if run.page:
        text = run.page(report, chosen.spread).encode()
        (folder / PAGE_FILE).write_bytes(text)
        report = replace(report, outputs={**outputs, PAGE_FILE: hashlib.sha256(text).hexdigest()})
    (folder / REPORT_FILE).write_text(json.dumps(asdict(report), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return report


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
        found[str(path)] = input_digest(path, forgets=total > CROWD)
        done += size
    return {str(path): found[str(path)] for path in files}


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
