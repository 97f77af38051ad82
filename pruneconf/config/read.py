"""From a document to typed sub-configs, together with what the schema finds wrong with it."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pruneconf.config.keys import CAP, EXCLUDE, RATIOS, SELECTORS
from pruneconf.config.model import Config, Fault, Ratio, SubConfig
from pruneconf.config.spotless import is_spotless
from pruneconf.document import Document, Mapping, Node, Path, Scalar, Sequence, parse, plain, pointer, read
from pruneconf.document.skim import Number, skim
from pruneconf.errors import PruneconfError

if TYPE_CHECKING:
    from pathlib import Path as FilePath

_IN_CODE = "<config>.json"
"""What messages call a config that is given as a list of dicts."""


class Reading:
    """What a document says: `sub_configs` with whatever is well-formed in them, and the `faults` of the rest.

    Only where there are no faults (and the text has no problems) are the sub-configs a config: `config` is None
    otherwise. `path` leads to the list in the document. `spotless` is true where no rule that looks at the text or the
    list alone can find anything; `skimmed` is the list as plain data where no parser was needed to know that.
    """

    def __init__(
        self,
        document: Document,
        path: Path,
        faults: tuple[Fault, ...] = (),
        *,
        spotless: bool = False,
        skimmed: list[dict[str, Any]] | None = None,
    ) -> None:
        self.document = document
        self.path = path
        self.faults = faults
        self.spotless = spotless
        self.skimmed = skimmed

    @cached_property
    def sub_configs(self) -> tuple[SubConfig, ...]:
        """The sub-configs, with what is well-formed in them."""
        if self.skimmed:
            return tuple(_skimmed(i, data) for i, data in enumerate(self.skimmed))
        root = self.document.find(self.path)
        items = root.items if isinstance(root, Sequence) else ()
        return tuple(
            _sub_config(self.document, i, (*self.path, i), item)
            for i, item in enumerate(items)
            if isinstance(item, Mapping)
        )

    @property
    def is_there(self) -> bool:
        """Whether the text parses and the path leads somewhere."""
        return self.spotless or self.document.find(self.path) is not None

    @property
    def sound(self) -> bool:
        """Whether the document is a config."""
        return self.spotless or not (self.faults or self.document.root is None or self.document.problems)

    @property
    def config(self) -> Config | None:
        """The config, if the document is one."""
        return Config(self.document, self.path, self.sub_configs) if self.sound else None


def read_config(document: Document, path: Path = ()) -> Reading:
    """Check the list at `path` against the schema. Never fails."""
    if not path and document.is_yaml and is_spotless(skimmed := skim(document.text)):
        return Reading(document, path, spotless=True, skimmed=skimmed)
    root = document.find(path)
    if root is None:
        return Reading(document, path)
    if document.problems and document.is_python:
        document = document.part(root)
    data = plain(root)
    if not document.problems and is_spotless(data):
        return Reading(document, path, spotless=True)
    from pruneconf.config.check import check

    return Reading(document, path, tuple(_placed(fault, document, path) for fault in check(data)))


def with_text(reading: Reading, text: str) -> Reading:
    """The config at the same place of a document, after edits of its text."""
    before = reading.document
    return read_config(Document(before.name, text, before.encoding), reading.path)


def read_configs(document: Document, path: Path = ()) -> list[Reading]:
    """The config at `path`; without a path, every list in a Python source that is one.

    Raises PruneconfError where a Python source holds none that can be read without running it.
    """
    if path or not document.is_python or document.root is None:
        return [read_config(document, path)]
    from pruneconf.config.python import config_lists, no_list

    places = config_lists(document)
    if not places:
        raise PruneconfError(no_list(document))
    return [read_config(document, place) for place in places]


def only(readings: list[Reading]) -> Reading:
    """The config where there is one alone. Raises PruneconfError, naming them, where there are several."""
    first, *others = readings
    if others:
        places = (f"{reading.document.name}#{pointer(reading.path)}".rstrip("#") for reading in readings)
        names = " or ".join(f"`{place}`" for place in places)
        raise PruneconfError(f"there are {len(readings)} configs here: name one, {names}")
    return first


def _placed(fault: Fault, document: Document, path: Path) -> Fault:
    """A fault with its path from the root of the document. A boolean of YAML 1.1 in quotes was a text then too."""
    here = (*path, *fault.path)
    node = document.find(here)
    quoted = isinstance(node, Scalar) and not node.plain
    return Fault("PC102" if fault.rule == "PC005" and quoted else fault.rule, here, fault.keys)


def _sub_config(document: Document, index: int, path: Path, node: Mapping) -> SubConfig:
    values = {str(entry.key.value): entry.value for entry in node.entries}
    selectors = {key: _strings(values[key]) for key in SELECTORS if key in values}
    ratio_key = next((key for key in RATIOS if key in values), None)
    return SubConfig(
        index,
        path,
        **selectors,
        exclude=EXCLUDE in values,
        ratio_key=ratio_key,
        ratio=_ratio(document, values[ratio_key]) if ratio_key else None,
        cap=_ratio(document, values[CAP]) if CAP in values else None,
    )


def _skimmed(index: int, data: dict[str, Any]) -> SubConfig:
    ratios = {key: _exact(value.text) for key, value in data.items() if isinstance(value, Number)}
    ratio_key = next((key for key in RATIOS if key in ratios), None)
    return SubConfig(
        index,
        (index,),
        **{key: tuple(data[key]) for key in SELECTORS if key in data},
        exclude=EXCLUDE in data,
        ratio_key=ratio_key,
        ratio=ratios[ratio_key] if ratio_key else None,
        cap=ratios.get(CAP),
    )


def _strings(node: Node) -> tuple[str, ...] | None:
    if not isinstance(node, Sequence):
        return None
    values = (item.value for item in node.items if isinstance(item, Scalar))
    return tuple(value for value in values if isinstance(value, str))


def _ratio(document: Document, node: Node) -> Ratio | None:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    from decimal import InvalidOperation

    try:
        return _exact(document.text[node.start : node.end])
    except InvalidOperation:  # written as 0x1, or behind a tag
        return _exact(repr(value))


def _exact(text: str) -> Ratio:
    from decimal import Decimal

    return Ratio(text, Decimal(text))


def load(source: str | FilePath | list[dict[str, Any]]) -> Config:
    """Read a config from a file (YAML, JSON, or Python that is not run), or from a list of dicts as in Python code.

    Raises PruneconfError, naming the first fault, where it is not a valid config; `pruneconf lint` names them all.
    """
    document, path = read(os.fspath(source)) if isinstance(source, str | os.PathLike) else (_document_of(source), ())
    reading = only(read_configs(document, path))
    if reading.config is None:
        raise PruneconfError(_first_fault(reading))
    return reading.config


def _document_of(sub_configs: list[dict[str, Any]]) -> Document:
    import json

    try:
        text = json.dumps(sub_configs, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PruneconfError(
            f"a config list holds plain data only: {error}; write lists, strings and numbers"
        ) from error
    return parse(text, _IN_CODE)


def _first_fault(reading: Reading) -> str:
    document = reading.document
    for problem in document.problems:
        line = document.position(problem.start).line
        return f"`{document.name}` line {line}: {problem.message}; run `pruneconf lint` on it"
    fault = reading.faults[0]
    at = (*fault.path, *fault.keys[:1])
    place = pointer(at) or "/"
    if document.name == _IN_CODE:
        return f"the config list is not valid: {fault.rule} at `{place}`; `pruneconf explain {fault.rule}` says more"
    node = document.key(at) or document.find(at)
    line = document.position(node.start if node else 0).line
    return (
        f"`{document.name}` line {line} is not a valid config ({fault.rule} at `{place}`); run `pruneconf lint` on it"
    )
