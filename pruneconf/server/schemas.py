"""Which JSON Schema another server has for a config: what that says and completes is left to it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from pruneconf.findings import Finding
from pruneconf.graph import ModelGraph
from pruneconf.rules.registry import rules

_MODELINE = re.compile(r"#[ \t]*(?:yaml-language-server:[ \t]*\$schema=|\$schema:[ \t]*)(\S+)")
_HEAD = 4096
"""Characters in which modelines are looked for."""
_NONE = "none"
_OF_NAMES = frozenset({"PC201", "PC202"})


class Attached(NamedTuple):
    """Whether a config has a schema, and whether that holds the names of the model's layers."""

    schema: bool = False
    names: bool = False

    def says(self, finding: Finding) -> bool:
        """Whether a finding is one that the other server makes too."""
        code = finding.rule.code
        return (self.schema and code in _of_schema()) or (self.names and code in _OF_NAMES)


def attached(text: str, file: str, associations: dict[str, list[str]], graph: ModelGraph | None) -> Attached:
    """What a modeline says, or else the settings of the editor: patterns of files by the path of a schema."""
    schemas = list(_modelines(text)) or [one for one, patterns in associations.items() if _fits(file, patterns)]
    if not schemas or schemas == [_NONE]:
        return Attached()
    folder = os.path.dirname(file)
    paths = [os.path.join(folder, unquote(schema.removeprefix("file://"))) for schema in schemas]
    return Attached(schema=True, names=any(_names(path, graph) for path in paths))


def associations(yaml: Any, json: Any) -> dict[str, list[str]]:
    """The patterns by schema in the settings `yaml.schemas` and `json.schemas`, whatever their form."""
    found: dict[str, list[str]] = {}
    for schema, patterns in yaml.items() if isinstance(yaml, dict) else ():
        found.setdefault(str(schema), []).extend([patterns] if isinstance(patterns, str) else map(str, patterns or ()))
    for entry in json if isinstance(json, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("fileMatch"), list):
            found.setdefault(str(entry.get("url")), []).extend(map(str, entry["fileMatch"]))
    return found


def _modelines(text: str) -> Iterator[str]:
    """The schemas named in the comments before all else."""
    for line in text[:_HEAD].splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return
        if match := _MODELINE.search(line):
            yield match[1]


def _fits(file: str, patterns: list[str]) -> bool:
    path = file.replace(os.sep, "/")
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    return any(fnmatchcase(path, f"*/{pattern.removeprefix('/').replace('**/', '')}") for pattern in wanted)


def _names(path: str, graph: ModelGraph | None) -> bool:
    """Whether a schema file holds the first and the last name of the model's layers."""
    try:
        text = _read(path, os.stat(path).st_mtime_ns)
    except (OSError, ValueError):
        return False
    ends = (graph.layers[0].name, graph.layers[-1].name) if graph and graph.layers else ()
    return bool(ends) and all(f'"{name}"' in text for name in ends)


@lru_cache(maxsize=1)
def _read(path: str, changed: int) -> str:  # noqa: ARG001 - when it changed tells one text from the next
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


@lru_cache(maxsize=1)
def _of_schema() -> frozenset[str]:
    """The rules about what a schema refuses, and about what no YAML server reads."""
    return frozenset({"PC001", "PC002", *(rule.info.code for rule in rules("faults"))})
