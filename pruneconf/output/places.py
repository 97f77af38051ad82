"""Files and findings as the services that collect reports name them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256

from pruneconf.findings import Finding


def relative(name: str) -> str:
    """A file's name from the current folder on, with `/` between folders; from the root on where it is not below."""
    path = os.path.relpath(name) if os.path.isabs(name) else os.path.normpath(name)  # noqa: PTH117 - `<stdin>` is none
    if path.startswith(os.pardir):
        path = os.path.abspath(name)  # noqa: PTH100
    return path.replace(os.sep, "/")


def fingerprints(findings: Iterable[Finding]) -> Iterator[str]:
    """What tells each finding from the others of its file for as long as its line stays, wherever that line moves.

    32 hexadecimal digits of the rule, the text of the line, and which of the equal ones it is.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    for finding in findings:
        document = finding.place.document
        line = document.line(document.position(finding.place.start).line)
        key = (document.name, finding.rule.code, " ".join(line.split()))
        seen[key] += 1
        yield sha256("\0".join((*key[1:], str(seen[key]))).encode(errors="replace")).hexdigest()[:32]
