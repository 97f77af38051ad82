"""The table `[tool.pruneconf]` of the nearest pyproject.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pruneconf.findings import Finding, Severity

FILE = "pyproject.toml"
PATTERNS = ("*.prune.yaml", "*.prune.yml", "*.prune.json", "pruneconf.yaml", "pruneconf.yml", "pruneconf.json")
"""What a config is called, where the settings do not say."""
_NAME = "pruneconf"


class Settings(NamedTuple):
    """What the project wants; paths and patterns are relative to `folder`, the table's values otherwise as written.

    `severity` goes by the codes of rules. Of the patterns of `per_file_model` that fit a config the last counts, of
    those of `per_file_ignores` all.
    """

    folder: str = "."
    model: str | None = None
    pruner: str = "level"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = {}
    files: tuple[str, ...] = ()
    per_file_model: Mapping[str, str] = {}
    per_file_ignores: Mapping[str, tuple[str, ...]] = {}

    def model_of(self, file: str) -> str | None:
        """The model to check a config against, as a path from the current directory."""
        fitting = [model for pattern, model in self.per_file_model.items() if self._fits(file, pattern)]
        model = fitting[-1] if fitting else self.model
        return model and self._from_here(model)

    def applied(self, findings: list[Finding]) -> list[Finding]:
        """Findings of one config without those that its file ignores, as severe as the project takes them."""
        if not findings or not (self.severity or self.per_file_ignores):
            return findings
        from pruneconf.rules.choose import fits

        file = findings[0].place.document.name
        ignored = [rules for pattern, rules in self.per_file_ignores.items() if self._fits(file, pattern)]
        return [
            finding._replace(severity=self.severity.get(finding.rule.code, finding.severity))
            for finding in findings
            if not any(fits(finding.rule, rules) for rules in ignored)
        ]

    def names(self, file: str) -> bool:
        """Whether a file is called as configs are."""
        return any(self._fits(file, pattern) for pattern in (*(self.files or PATTERNS), *self.per_file_model))

    def _fits(self, file: str, pattern: str) -> bool:
        from fnmatch import fnmatchcase

        name = os.path.relpath(file.partition("#/")[0], self.folder).replace(os.sep, "/")
        return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern)

    def _from_here(self, model: str) -> str:
        """A path from the current directory; the name of an installed module stays what it is."""
        file, colon, attribute = model.partition(":")
        if not file.endswith((".py", ".json", ".safetensors")) and not os.path.isdir(os.path.join(self.folder, file)):
            return model
        return os.path.relpath(os.path.join(self.folder, file)) + colon + attribute


def settings() -> Settings:
    """The settings for the current directory: those of the nearest pyproject.toml upwards that has any.

    Raises PruneconfError, naming the lines, where they are not what they should be.
    """
    return settings_of(os.getcwd())


@cache
def settings_of(folder: str) -> Settings:
    """The same for another folder, given by its absolute path; remembered, so that they are read once."""
    while True:
        text = _read(os.path.join(folder, FILE))
        if _NAME in text:
            from pruneconf.settings.reader import table

            path = os.path.relpath(os.path.join(folder, FILE))
            if (found := table(text, path)) is not None:
                return _of(found, folder)
        if folder == (above := os.path.dirname(folder)):
            return Settings()
        folder = above


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _of(found: dict[str, Any], folder: str) -> Settings:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        return tuple(value) if isinstance(value, list) else value

    return Settings(os.path.relpath(folder), **{key.replace("-", "_"): plain(value) for key, value in found.items()})
