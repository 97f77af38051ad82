"""What a run leaves for another one to go on from, and finds of one that was killed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pruneconf.errors import PruneconfError
from pruneconf.plan import Plan
from pruneconf.pruning.filearray import Stamp, input_digest
from pruneconf.pruning.inputs import Inputs
from pruneconf.pruning.journal import Journal, check_purpose, read_journal
from pruneconf.pruning.staging import leftover
from pruneconf.version import __version__


def begun(plan: Plan, inputs: Inputs, before: Mapping[Path, Stamp], masks: str, seed: int) -> Journal:
    """An empty journal of a run for all that its result depends on; `before` has the stamps of its inputs."""
    layers = [(entry.layer.name, entry.layer.parameter, entry.action.name, entry.masked) for entry in plan.layers]
    budgets = [([layer.name for layer in each.layers], each.count, list(each.max_masked)) for each in plan.budgets]
    purpose = {f"`{path}`": input_digest(path) for path in inputs.described}
    purpose |= {f"`{path}`": "-".join(map(str, before[path])) for path in (*inputs.weights, *inputs.carried)}
    purpose |= {
        "the pruner": f"{plan.pruner} {plan.coupled} {seed if plan.pruner == 'random' else None}",
        "the plan": hashlib.sha256(repr((layers, budgets, plan.channel_budgets)).encode()).hexdigest(),
        "the form of masks": masks,
        "the version of pruneconf": __version__,
    }
    return Journal(purpose)


def found(place: Path, journal: Journal, inputs: Inputs) -> Journal | None:
    """The journal of the killed run that is to go on, if it got so far. Raises PruneconfError where it was another."""
    if not inputs.weights:
        raise PruneconfError("only a checkpoint's pruning can be resumed; name the weights with `--weights`")
    left = leftover(place)
    known = read_journal(left) if left else None
    if known:
        check_purpose(known, journal.purpose)
    return known
