"""What a run of `pruneconf lint` comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pruneconf.config import Reading
    from pruneconf.document import Path
    from pruneconf.findings import Finding
    from pruneconf.rules.choose import Chosen
    from pruneconf.rules.engine import Examined


class Run:
    """The findings of the rules that are `chosen`, how many of them are suppressed, and what was found in which config:
    its file, the path to its list in there, and the outcome.

    `changed` says whether fixes changed a file, or would have.
    """

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen
        self.findings: list[Finding] = []
        self.suppressed = 0
        self.configs: list[tuple[str, Path, Examined]] = []
        self.changed = False

    @property
    def files(self) -> dict[str, None]:
        """The files, each once, in order."""
        return dict.fromkeys(name for name, _, _ in self.configs)

    def add(self, reading: Reading, examined: Examined) -> None:
        """Take in one more config."""
        if examined.findings or examined.suppressed:
            self.findings += (finding for finding in examined.findings if self.chosen(finding.rule))
            self.suppressed += sum(self.chosen(finding.rule) for finding in examined.suppressed)
        self.configs.append((reading.document.name, reading.path, examined))
