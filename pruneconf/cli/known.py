"""What `pruneconf lint --baseline` does."""

from __future__ import annotations

from pruneconf.cli.arguments import note
from pruneconf.cli.run import Run
from pruneconf.errors import PruneconfError
from pruneconf.findings import baseline
from pruneconf.findings.baseline import Checked
from pruneconf.rules.registry import heard


def leave_out_known(run: Run, file: str, *, write: bool) -> None:
    """Take the findings that a baseline knows out of a run, and shrink the baseline where fewer are found.

    Where there is no such file, it is written, and this run still says all that it holds.
    """
    checked = [
        Checked(
            baseline.key(file, name, path),
            [finding for finding in examined.findings if run.chosen(finding.rule)],
            {info.code for info in heard(examined.stages) if run.chosen(info)},
        )
        for name, path, examined in run.configs
    ]
    counts = baseline.load(file)
    if counts is None:
        if write:
            baseline.save(file, baseline.count(checked))
            total = len(run.findings)
            note(f"wrote `{file}`: the next run leaves out {total} finding{'s' * (total != 1)} that it knows now")
        return
    unknown = [finding for one in checked for finding in baseline.unknown(one, counts)]
    run.suppressed += len(run.findings) - len(unknown)
    run.findings = unknown
    smaller = baseline.shrunk(file, counts, checked)
    if write and smaller != counts:
        try:
            baseline.save(file, smaller)
        except PruneconfError as error:
            note(f"{error}; it could be smaller")
        else:
            note(f"`{file}` has shrunk: fewer findings than it knew")
