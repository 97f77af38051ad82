"""What is wrong with the settings in a pyproject.toml, at its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from pruneconf.errors import PruneconfError
from pruneconf.findings import RuleInfo, Severity
from pruneconf.plan import Pruner
from pruneconf.rules.choose import fits, unknown_rule
from pruneconf.rules.registry import all_rules
from pruneconf.suggest import did_you_mean, nearest

_TEXT, _TEXTS, _TABLE_OF_TEXT, _TABLE_OF_TEXTS = (
    "a text",
    "a list of texts",
    "a table of texts",
    "a table of lists of texts",
)
_KEYS = {
    "model": _TEXT,
    "pruner": _TEXT,
    "select": _TEXTS,
    "ignore": _TEXTS,
    "severity": _TABLE_OF_TEXT,
    "files": _TEXTS,
    "per-file-model": _TABLE_OF_TEXT,
    "per-file-ignores": _TABLE_OF_TEXTS,
}


class _Fault(NamedTuple):
    """A fault at a value: the keys that lead to it from `[tool.pruneconf]`, and the text in a list that is meant."""

    keys: tuple[str, ...]
    message: str
    item: str | None = None


def checked(found: dict[str, Any], text: str, path: str) -> dict[str, Any]:
    """The table `[tool.pruneconf]` of a TOML text, with severities by the codes of rules.

    Raises PruneconfError that names the line of every fault; `path` is what it calls the file.
    """
    faults = list(_shape(found)) or list(_meaning(found))
    if faults:
        lines = (f"`{path}` line {_line(text, fault)}: {fault.message}" for fault in faults)
        raise PruneconfError("\npruneconf: ".join(lines))
    severity = found.get("severity", {})
    codes = {
        rule.info.code: Severity(severity[word]) for word in severity for rule in all_rules() if fits(rule.info, [word])
    }
    return found | ({"severity": codes} if codes else {})


def _shape(found: dict[str, Any]) -> Iterator[_Fault]:
    for key, value in found.items():
        if key not in _KEYS:
            hint = did_you_mean(nearest(key, _KEYS)) or "the keys are " + ", ".join(f"`{known}`" for known in _KEYS)
            yield _Fault((key,), f"there is no key `{key}`; {hint}")
        elif not _is(value, _KEYS[key]):
            yield _Fault((key,), f"`{key}` must be {_KEYS[key]}")


def _is(value: Any, kind: str) -> bool:
    if kind == _TEXT:
        return isinstance(value, str) and value != ""
    if kind == _TEXTS:
        return isinstance(value, list) and all(_is(item, _TEXT) for item in value)
    inner = _TEXT if kind == _TABLE_OF_TEXT else _TEXTS
    return isinstance(value, dict) and all(_is(item, inner) for item in value.values())


def _meaning(found: dict[str, Any]) -> Iterator[_Fault]:
    if (pruner := found.get("pruner", "level")) not in set(Pruner):
        hint = did_you_mean(nearest(pruner, tuple(Pruner))) or f"the pruners are {', '.join(Pruner)}"
        yield _Fault(("pruner",), f"there is no pruner `{pruner}`; {hint}")
    if found.get("files") == []:
        yield _Fault(("files",), "`files` is empty: name a pattern, or remove it")
    for pattern in found.get("files", ()):
        if pattern.startswith("/") or ".." in pattern.split("/"):
            yield _Fault(
                ("files",), f"`{pattern}` must stay below the folder of this file: write it from there", pattern
            )
    infos = [rule.info for rule in all_rules()]
    words = [*_words(found)]
    for keys, word in words:
        if not any(fits(info, [word]) for info in infos):
            yield _Fault(keys, unknown_rule(word, infos), word)
    for rule, severity in found.get("severity", {}).items():
        if severity not in set(Severity):
            yield _Fault(("severity", rule), f"there is no severity `{severity}`: write `error`, `warning` or `info`")
    yield from _idle(found, words, infos)


def _words(found: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every rule that is named, with the keys that lead to it."""
    for key in ("select", "ignore"):
        yield from (((key,), word) for word in found.get(key, ()))
    yield from ((("severity", word), word) for word in found.get("severity", ()))
    for pattern, rules in found.get("per-file-ignores", {}).items():
        yield from ((("per-file-ignores", pattern), word) for word in rules)


def _idle(found: dict[str, Any], words: list[tuple[tuple[str, ...], str]], infos: list[RuleInfo]) -> Iterator[_Fault]:
    """What is said about rules that do not speak anyway."""
    select, ignore = found.get("select") or [info.code for info in infos], found.get("ignore", [])
    for keys, word in words:
        meant = [info for info in infos if fits(info, [word])]
        if keys[0] != "select" and meant and not any(fits(info, select) for info in meant):
            yield _Fault(
                keys, f"`{word}` is not among the rules that `select` names: remove it here, or add it there", word
            )
        elif keys[0] != "ignore" and meant and all(fits(info, ignore) for info in meant):
            yield _Fault(keys, f"`{word}` is under `ignore` too, and so never applies: remove one of the two", word)


def _line(text: str, fault: _Fault) -> int:
    """The line of a fault: that of the item of a list, else that on which its key stands."""
    lines = text.split("\n")
    known = 0
    for number in range(1, len(lines) + 1):
        try:
            data = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:  # it ends inside a value
            continue
        if _holds(data, ("tool", "pruneconf", *fault.keys)):
            inside = range(known, number)
            return 1 + next(
                (i for i in inside if fault.item and re.search(rf"[\"']{re.escape(fault.item)}[\"']", lines[i])), known
            )
        known = number
    return 1


def _holds(data: Any, keys: tuple[str, ...]) -> bool:
    for key in keys:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True
