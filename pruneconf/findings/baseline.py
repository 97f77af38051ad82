"""Known findings, kept in a file: how many of each rule each file has. What is known is left out until there is more.

    {"format": 1, "findings": {"configs/old.yaml": {"PC302": 2}}}

The counts only shrink: what was found less often than the file says is written down so.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from pruneconf.document import Path as NodePath
from pruneconf.document import pointer
from pruneconf.document.write import replace
from pruneconf.errors import PruneconfError
from pruneconf.findings.model import Finding

Counts = dict[str, dict[str, int]]
"""How many findings of each rule (by its code) each config has; a config is its file, and `#/pointer` inside of it."""
FORMAT = 1


class Checked(NamedTuple):
    """The findings of one config (`key` names it in the baseline), and the codes of the rules that had their say."""

    key: str
    findings: list[Finding]
    heard: Collection[str]


def key(baseline: str, file: str, path: NodePath) -> str:
    """What a config is called in a baseline: its path from the folder of that file, with `/` on every system."""
    relative = file if file.startswith("<") else os.path.relpath(file, Path(baseline).parent)
    return relative.replace(os.sep, "/") + (f"#{pointer(path)}" if path else "")


def load(file: str) -> Counts | None:
    """The counts in a baseline file, or None where there is no such file. Raises PruneconfError where it is none."""
    try:
        data = json.loads(Path(file).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PruneconfError(f"cannot read `{file}`: {(error.strerror or str(error)).lower()}") from error
    except ValueError:
        data = None
    if not _is_baseline(data):
        raise PruneconfError(f"`{file}` is no baseline of format {FORMAT}: remove it, and the next run writes it anew")
    counts: Counts = data["findings"]
    return counts


def _is_baseline(data: object) -> bool:
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("findings"), dict):
        return False
    rules = data["findings"].values()
    return all(isinstance(one, dict) and all(type(count) is int for count in one.values()) for one in rules)


def count(checked: Iterable[Checked]) -> Counts:
    """What is found now."""
    counts: dict[str, Counter[str]] = {}
    for one in checked:
        counts.setdefault(one.key, Counter()).update(finding.rule.code for finding in one.findings)
    return {name: dict(rules) for name, rules in counts.items() if rules}


def unknown(checked: Checked, counts: Counts) -> list[Finding]:
    """The findings that the baseline does not cover: all those of a rule that finds more than it knows."""
    known, now = counts.get(checked.key, {}), Counter(finding.rule.code for finding in checked.findings)
    return [finding for finding in checked.findings if now[finding.rule.code] > known.get(finding.rule.code, 0)]


def shrunk(file: str, counts: Counts, checked: Iterable[Checked]) -> Counts:
    """The counts in a baseline file without what is found no more, in files that are gone or were checked.

    Of those only rules count that had their say.
    """
    checked, folder = list(checked), Path(file).parent
    here = {one.key for one in checked}
    smaller = {name: dict(rules) for name, rules in counts.items() if name in here or not _is_gone(folder, name)}
    for one in checked:
        now = Counter(finding.rule.code for finding in one.findings)
        for code in [code for code in smaller.get(one.key, {}) if code in one.heard]:
            smaller[one.key][code] = min(smaller[one.key][code], now[code])
    left = {name: {code: n for code, n in rules.items() if n > 0} for name, rules in smaller.items()}
    return {name: rules for name, rules in left.items() if rules}


def _is_gone(folder: Path, name: str) -> bool:
    """Whether there is no file of this key."""
    files = (name, name.partition("#/")[0])
    return not name.startswith("<") and not any((folder / file).exists() for file in files)


def save(file: str, counts: Counts) -> None:
    """Write a baseline, sorted. Raises PruneconfError where it cannot be written."""
    data = {"format": FORMAT, "findings": counts}
    target = Path(os.path.realpath(file))
    try:
        like = target.stat() if target.exists() else 0o666 & ~_umask()
        replace(target, (json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode(), like)
    except OSError as error:
        raise PruneconfError(f"cannot write `{file}`: {(error.strerror or str(error)).lower()}") from error


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
