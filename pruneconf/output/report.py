"""What the writers of reports are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pruneconf.findings import Finding


class Report(NamedTuple):
    """The findings of a run over these files; `suppressed` counts those that comments or a baseline silence.

    With `strict`, warnings fail the run too.
    """

    findings: Sequence[Finding]
    files: Sequence[str]
    suppressed: int
    strict: bool
