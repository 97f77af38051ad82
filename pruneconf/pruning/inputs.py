"""The files that a run reads."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pruneconf.plan import Plan
from pruneconf.pruning.checkpoint import Checkpoint, other_files


class Inputs(NamedTuple):
    """Those that say what is done, those with the weights, and others in their directory, which are copied."""

    described: tuple[Path, ...]
    weights: tuple[Path, ...]
    carried: tuple[Path, ...]

    @property
    def every(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.described, *self.weights, *self.carried)


def inputs_of(plan: Plan, checkpoint: Checkpoint, graph_file: Path | None) -> Inputs:
    """What pruning a checkpoint by a plan reads; the plan's graph is from `graph_file`, if not from a model's code."""
    described = [graph_file] if graph_file else map(Path, plan.graph.sources)
    files = tuple(path for path in (Path(plan.config.document.name), *described) if path.is_file())
    folder = checkpoint.folder
    carried = tuple(folder / path for path in other_files(folder)) if folder else ()
    return Inputs(files, checkpoint.inputs, carried)
