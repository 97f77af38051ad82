"""A plan for people: a table or a tree of layers, each with a bar of what it loses, and the totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from pruneconf.output import excerpt
from pruneconf.output.plan_data import share
from pruneconf.output.style import Paint, printable
from pruneconf.plan import Action, Group, LayerPlan, Plan

BAR = 20
"""Width of a bar, in terminal columns."""
_GAP = "  "
_RIGHT = 5
"""The column that is flush right: numbers."""
_NARROW = 4
"""Columns that are left for names on the narrowest terminal."""


width = lru_cache(excerpt.width)
"""The same bars and types come again and again."""


class _Cell(NamedTuple):
    text: str = ""
    style: str = ""


class _Node(NamedTuple):
    line: str
    below: list[_Node]


def table_text(plan: Plan, paint: Paint, columns: int) -> str:
    """One row a layer, in model order; names of layers are folded to fit a row into so many columns of a terminal."""
    heads = "layer", "type", "weight", "decided by", "plan", "channels" if plan.structured else "masked", ""
    rows = [tuple(_Cell(head, "strong") for head in heads), *_rows(plan)]
    widths = [max(width(cell.text) for cell in column) for column in zip(*rows, strict=True)]
    widths[0] = max(_NARROW, min(widths[0], columns - sum(widths[1:]) - len(_GAP) * (len(widths) - 1)))
    lines = (line for row in rows for line in _lines(row, widths, paint))
    return _joined(lines, plan)


def tree_text(plan: Plan, paint: Paint) -> str:
    """The module tree; a module shows what its layers lose together."""
    root = _Node(paint(plan.graph.type, "strong"), [])
    branches, groups = {"": root}, _groups(plan)
    for entry in plan.layers:
        above, _, name = entry.layer.name.rpartition(".")
        type_, *fate = _Cell(printable(entry.layer.type), "dim"), *_fate(plan, entry, groups)
        line = f"{printable(name) or '(the model)'} {paint(*type_)}  " + _GAP.join(paint(*cell) for cell in fate)
        _branch(above, branches, paint).below.append(_Node(line, []))
    return _joined((root.line, *_below(root, "")), plan)


def _joined(lines: Iterable[str], plan: Plan) -> str:
    return "\n".join((*lines, "", *total_lines(plan))) + "\n"


def _rows(plan: Plan) -> Iterator[tuple[_Cell, ...]]:
    groups = _groups(plan)
    places: dict[int | None, str] = {i: f"line {_line(plan, i)}" for i in range(len(plan.config.sub_configs))}
    for entry in plan.layers:
        layer = entry.layer
        shape = "x".join(map(str, layer.shape)) or "1"
        said = printable(layer.name) or "(the model)", printable(layer.type), shape, places.get(entry.decided_by, "")
        yield (*map(_Cell, said), *_fate(plan, entry, groups))


def _lines(row: Sequence[_Cell], widths: Sequence[int], paint: Paint) -> Iterator[str]:
    """A row, and below it what does not fit of its first cell."""
    first, *others = row
    names = _folded(first.text, widths[0])
    for i, name in enumerate(names):
        cells = [first._replace(text=name), *(others if i == 0 else [_Cell()] * len(others))]
        yield _GAP.join(_filled(cell, widths[at], paint, right=at == _RIGHT) for at, cell in enumerate(cells))


def _filled(cell: _Cell, columns: int, paint: Paint, *, right: bool) -> str:
    space = " " * (columns - width(cell.text))
    return space + paint(*cell) if right else paint(*cell) + space


def _folded(text: str, columns: int) -> list[str]:
    """A text in pieces of at most so many columns."""
    pieces = [""]
    if width(text) <= columns:
        return [text]
    for char in text:
        if width(pieces[-1] + char) > columns:
            pieces.append("")
        pieces[-1] += char
    return pieces


def _branch(name: str, branches: dict[str, _Node], paint: Paint) -> _Node:
    if name not in branches:
        above, _, last = name.rpartition(".")
        branches[name] = _Node(paint(printable(last), "strong"), [])
        _branch(above, branches, paint).below.append(branches[name])
    return branches[name]


def _below(node: _Node, indent: str) -> Iterator[str]:
    for i, child in enumerate(node.below, 1):
        last = i == len(node.below)
        yield f"{indent}{'└── ' if last else '├── '}{child.line}"
        yield from _below(child, indent + ("    " if last else "│   "))


def _groups(plan: Plan) -> Mapping[int, Group]:
    """The groups by the sub-config that makes them; the first of several."""
    return {group.sub_config: group for group in reversed(plan.groups)}


def _line(plan: Plan, sub_config: int) -> int:
    document = plan.config.document
    node = document.find(plan.config.sub_configs[sub_config].path)
    return document.position(node.start if node else 0).line


def _fate(plan: Plan, entry: LayerPlan, groups: Mapping[int, Group]) -> tuple[_Cell, _Cell, _Cell]:
    """What happens, how many elements are masked, and a bar of the weight (`█` masked, `▒` at most, `·` kept)."""
    numel = entry.layer.numel
    if entry.action is Action.NONE:
        return _Cell("not selected", "dim"), _Cell(), _Cell("·" * BAR, "dim")
    if entry.action is Action.EXCLUDE:
        return _Cell("exclude", "excluded"), _Cell(), _Cell("·" * BAR, "dim")
    group = None if entry.decided_by is None else groups.get(entry.decided_by)
    what = f"{entry.ratio.text if entry.ratio else ''} of {'group' if group else 'layer'}"
    if entry.masked is not None:
        return _Cell(what), _Cell(_amount(plan, entry, entry.masked)), _bar("█", entry.masked, numel)
    most = min(group.max_masked.get(entry.layer.name, numel), group.masked) if group else numel
    return _Cell(what), _Cell(f"≤ {_amount(plan, entry, most)}"), _bar("▒", most, numel)


def _bar(full: str, part: int, whole: int) -> _Cell:
    length = round(BAR * share(part, whole))
    return _Cell(full * length + "·" * (BAR - length), "lost")


def _amount(plan: Plan, entry: LayerPlan, masked: int) -> str:
    """How much of a layer is masked: elements, or channels of how many."""
    if not plan.structured or not entry.unit:
        return f"{masked:,}"
    return f"{masked // entry.unit:,}/{entry.layer.numel // entry.unit:,}"


def total_lines(plan: Plan) -> Iterator[str]:
    """What a plan comes to, in a few sentences."""
    most = "at most " if plan.structured and plan.groups else ""
    for entry in plan.layers:
        if entry.held:
            yield f"{printable(entry.layer.name)}: {_effective(entry)}, {printable(entry.held)}"
    for group in plan.groups:
        cap = f", at most {group.cap.text} of each" if group.cap else ""
        count = f"{len(group.layers)} layer{'s' * (len(group.layers) != 1)}"
        yield (
            f"group at line {_line(plan, group.sub_config)}: {most}{group.masked:,} of {group.numel:,} weights "
            f"({group.ratio.text}) over {count}{cap}"
        )
    pruned = sum(entry.action is Action.PRUNE for entry in plan.layers)
    excluded = sum(entry.action is Action.EXCLUDE for entry in plan.layers)
    untouched = len(plan.layers) - pruned - excluded
    yield f"layers: {pruned} pruned, {excluded} excluded, {untouched} not selected"
    percent = 100 * share(plan.masked, plan.numel)
    yield f"total: {most}{plan.masked:,} of {plan.numel:,} weights masked ({percent:.1f} %)"


def _effective(entry: LayerPlan) -> str:
    """What a layer loses in place of what the config asks."""
    asked = entry.ratio.text if entry.ratio else ""
    if entry.masked is None:
        return f"{asked} of some channels"
    return f"{share(entry.masked, entry.layer.numel):.4g} in place of {asked}"
