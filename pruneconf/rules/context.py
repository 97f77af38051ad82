"""What a rule may look at, and how it points at a node of the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pruneconf.config import Fault, Reading, SubConfig
from pruneconf.document import Document, Entry, Mapping, Node, Path, Scalar, pointer
from pruneconf.document import Sequence as ListNode
from pruneconf.findings import Finding, Fix, Label, RuleInfo, Severity
from pruneconf.rules.words import some

if TYPE_CHECKING:
    from pruneconf.graph import ModelGraph
    from pruneconf.plan import Plan, Pruner, Selection


class Item(NamedTuple):
    """One entry of a selector list."""

    value: str
    path: Path
    sub_config: SubConfig


class Context(NamedTuple):
    """Everything known about one config.

    `selection` and `pruner` are None without a model; `plan` is None without a model or without a valid config; rules
    that need them are not run then. `found` are the findings of the rules that ran before; `stages`, for the rules that
    look at these, are the stages of the registry whose rules have spoken.
    """

    reading: Reading
    rule: RuleInfo
    found: list[Finding]
    selection_or_none: Selection | None = None
    plan_or_none: Plan | None = None
    pruner_or_none: Pruner | None = None
    stages: frozenset[str] = frozenset()

    @property
    def document(self) -> Document:
        """The text that is checked."""
        return self.reading.document

    @property
    def sub_configs(self) -> tuple[SubConfig, ...]:
        """The sub-configs, with what is well-formed in them."""
        return self.reading.sub_configs

    @property
    def selection(self) -> Selection:
        """The selectors applied to the model."""
        assert self.selection_or_none is not None  # noqa: S101 - rules that need a model run only with one
        return self.selection_or_none

    @property
    def graph(self) -> ModelGraph:
        """The model."""
        return self.selection.graph

    @property
    def plan(self) -> Plan:
        """What the config does to the model."""
        assert self.plan_or_none is not None  # noqa: S101 - rules that need a plan run only with one
        return self.plan_or_none

    @property
    def pruner(self) -> Pruner:
        """The pruner that is to carry out the config."""
        assert self.pruner_or_none is not None  # noqa: S101 - it comes with the model
        return self.pruner_or_none

    def faults(self) -> Iterator[Fault]:
        """The schema's faults that this rule reports."""
        return (fault for fault in self.reading.faults if fault.rule == self.rule.code)

    def items(self, key: str) -> Iterator[Item]:
        """The entries of all the lists under a selector key."""
        for sub_config in self.sub_configs:
            path = (*sub_config.path, key)
            for i, value in enumerate(getattr(sub_config, key) or ()) if self.reading.sound else self._texts(path):
                yield Item(value, (*path, i), sub_config)

    def _texts(self, path: Path) -> Iterator[tuple[int, str]]:
        """The texts among the items of a list, and where they stand in it."""
        node = self.document.find(path)
        for i, item in enumerate(node.items if isinstance(node, ListNode) else ()):
            if isinstance(item, Scalar) and isinstance(item.value, str):
                yield i, item.value

    def value(self, path: Path) -> object:
        """The scalar at a path, or None."""
        node = self.document.find(path)
        return node.value if isinstance(node, Scalar) else None

    def reported(self, path: Path, *codes: str) -> bool:
        """Whether one of these rules has already found something at a path or below it."""
        prefix = pointer(path)
        return any(
            finding.rule.code in codes and (finding.place.pointer + "/").startswith(prefix + "/")
            for finding in self.found
        )

    def sub_configs_with(self, *codes: str) -> set[int]:
        """The indices of the sub-configs in which one of these rules has already found something."""
        depth = len(self.reading.path) + 1
        steps = (finding.place.pointer.split("/") for finding in self.found if finding.rule.code in codes)
        return {int(step[depth]) for step in steps if len(step) > depth}

    def faulty_sub_configs(self) -> set[int]:
        """The indices of the sub-configs that the schema refuses: not all that was meant is known of them."""
        depth = len(self.reading.path)
        return {int(fault.path[depth]) for fault in self.reading.faults if len(fault.path) > depth}

    def label(self, path: Path, message: str = "", *, key: bool = False) -> Label:
        """A label at the value at a path, or at its key; a mapping or list over many lines is shown by its head."""
        start, end = self._span(path, key=key)
        return Label(self.document, pointer(path), start, end, message)

    def finding(
        self,
        path: Path,
        message: str,
        *,
        key: bool = False,
        label: str = "",
        help: str | None = None,  # noqa: A002 - the word that users see
        related: Sequence[Label] = (),
        layers: Sequence[str] = (),
        fix: Fix | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule at the node at a path."""
        place = self.label(path, label, key=key)
        return Finding(
            self.rule, severity or self.rule.severity, message, place, help, tuple(related), tuple(layers), fix
        )

    def replace(self, path: Path, value: str | float, *, safe: bool, key: bool = False) -> Fix:
        """The fix that writes another scalar in the place of the one at a path, or of its key."""
        from pruneconf.document.edits import Edit, scalar_text

        start, end = self._span(path, key=key)
        node = self.document.key(path) if key else self.document.find(path)
        text = scalar_text(self.document, value, node if isinstance(node, Scalar) else None)
        return Fix(f"replace with `{value}`", safe, (Edit(start, end, text),))

    def remove(self, *paths: Path, safe: bool, title: str) -> Fix | None:
        """The fix that takes items or entries out; none where no plain edits do. With a comment goes its safety."""
        from pruneconf.document.edits import removal

        edits = removal(self.document, *paths)
        comment = any("#" in self.document.text[edit.start : edit.end] for edit in edits)
        return Fix(title, safe and not comment, edits) if edits else None

    def move(self, path: Path, behind: Path, *, safe: bool, title: str) -> Fix | None:
        """The fix that moves an item of a list behind a later one; none where no plain edits do."""
        from pruneconf.document.edits import relocation

        edits = relocation(self.document, path, behind)
        return Fix(title, safe, edits) if edits else None

    def insert(self, path: Path, key: str, value: str, *, safe: bool) -> Fix | None:
        """The fix that writes `key: value` (source text) behind the entry at a path; none where no plain edit does."""
        from pruneconf.document.edits import insertion

        edits = insertion(self.document, path, key, value)
        return Fix(f"add `{key}: {value}`", safe, edits) if edits else None

    def exclude(self, names: Sequence[str]) -> Fix | None:
        """The unsafe fix that writes a last sub-config, which excludes layers; none where no plain edit does."""
        from pruneconf.document.edits import addition

        edits = addition(self.document, self.reading.path, [{"op_names": list(names), "exclude": True}])
        return Fix(f"exclude {some(names)}", safe=False, edits=edits) if edits else None

    def add_names(self, sub_config: SubConfig, names: Sequence[str]) -> Fix | None:
        """The unsafe fix that adds layers to the `op_names` of a sub-config; none where no plain edit does."""
        from pruneconf.document.edits import addition

        edits = addition(self.document, (*sub_config.path, "op_names"), names)
        return Fix(f"add {some(names)}", safe=False, edits=edits) if edits else None

    def _span(self, path: Path, *, key: bool) -> tuple[int, int]:
        node: Node | None = self.document.key(path) if key else self.document.find(path)
        if node is None:
            return 0, 0
        line_end = self.document.line_end(node.start)
        if node.end <= line_end:
            return node.start, node.end
        return self._head(path, node, line_end)

    def _head(self, path: Path, node: Node, line_end: int) -> tuple[int, int]:
        """What shows a node that stands on several lines: the first entry of a mapping, the key of a list."""
        name = self.document.key(path)
        if name is not None:
            return name.start, name.end
        first: Entry | None = node.entries[0] if isinstance(node, Mapping) and node.entries else None
        if first is None:
            return node.start, line_end
        end = first.value.end if first.value.end <= line_end else first.key.end
        return node.start, max(node.start, min(end, line_end))
