"""Coupled channels for people: some lines for each coupling, once for those that repeat in every block of a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pruneconf.graph import Coupling, Member, ModelGraph, Pin, Side
from pruneconf.output.names import Name, fold, ranges
from pruneconf.output.style import Paint, printable
from pruneconf.plan import Action, Plan

_VERBS = {Side.OUT: "made by", Side.THROUGH: "passing", Side.IN: "read by"}
_PINS = {
    "input": "they are joined with the model's input",
    "output": "they are seen in the output `{}`",
    "heads": "several attention heads share them",
    "unknown": "it is not known what `{}` does to them",
}
_INDENT = 13
_WIDTH = 100
"""Columns for the names on a line, behind the indent."""
_RUNS = 2
"""More runs of one layer than these are only counted."""


class _Entry(NamedTuple):
    """A name on a line, and what is said about it."""

    name: Name
    remark: str = ""


class _Line(NamedTuple):
    """A line: what its names have to do with the channels."""

    label: str
    entries: tuple[_Entry, ...]
    head: str = ""


class _Block(NamedTuple):
    """A coupling as lines. `repeats` says how often it is there, `where` in which blocks."""

    size: str
    lines: tuple[_Line, ...]
    repeats: int = 1
    where: Name = ()


def groups_text(graph: ModelGraph, plan: Plan | None, paint: Paint) -> str:
    """The couplings of a model; with a plan, what becomes of the layers that make their channels."""
    blocks = [_block(coupling, plan) for coupling in graph.couplings]
    lines = [line for block in _repeats_folded(blocks) for line in (*_text(block, paint), "")]
    total = f"{len(blocks):,} group{'s' * (len(blocks) != 1)} of coupled channels in {printable(graph.source)}"
    return "\n".join((*lines, total)) + "\n"


def _block(coupling: Coupling, plan: Plan | None) -> _Block:
    single = all(member.repeat == member.times == 1 for member in coupling.members if member.side is Side.OUT)
    lines = [
        _Line(verb, tuple(entries))
        for side, verb in _VERBS.items()
        if (entries := list(_entries([each for each in coupling.members if each.side is side], plan, coupling.units)))
    ]
    ops = dict.fromkeys(f"{join.op} at {join.place}" if join.place else join.op for join in coupling.joins)
    lines += [_Line("joined by", tuple(_Entry((op,)) for op in ops))] * bool(ops)
    limits = [_Entry(_split(limit.module), limit.kind.replace("-", " ")) for limit in coupling.limits]
    demand = f"multiples of {coupling.divisor:,} for " if coupling.divisor > 1 else "whole units for "
    lines += [_Line("kept in", tuple(limits), demand)] * bool(limits)
    lines += [_Line("all kept", tuple(_Entry((_why(pin),)) for pin in coupling.pins))] * bool(coupling.pins)
    return _Block(f"{coupling.units:,} {'channel' if single else 'unit'}{'s' * (coupling.units != 1)}", tuple(lines))


def _split(name: str) -> Name:
    return tuple(name.split("."))


def _why(pin: Pin) -> str:
    return _PINS.get(pin.kind, pin.kind).format(pin.name)


def _entries(members: Sequence[Member], plan: Plan | None, units: int) -> Iterator[_Entry]:
    by_layer: dict[str, list[Member]] = {}
    for member in members:
        by_layer.setdefault(member.layer, []).append(member)
    for name, runs in by_layer.items():
        remarks = [_fate(plan, name)] if plan and runs[0].side is Side.OUT else []
        if len(runs) > _RUNS:
            remarks.append(f"{sum(run.size for run in runs):,} channels in {len(runs):,} runs")
        else:
            remarks += dict.fromkeys(filter(None, (_run(run, units) for run in runs)))
        yield _Entry(_split(name), ", ".join(remarks))


def _run(run: Member, units: int) -> str:
    """What is not plain about a run: several channels a unit, a part of the units, a place further on."""
    each = run.repeat * run.times
    words = [f"{each:,} a unit"] if each > 1 else []
    if len(run.units) < units:
        words.append(f"units {ranges(run.units)}")
    if run.offset:
        words.append(f"from channel {run.offset:,}")
    return " ".join(words)


def _fate(plan: Plan, name: str) -> str:
    entry = plan.by_name.get(name)
    if entry is None:
        return "no layer"
    if entry.action is Action.PRUNE:
        return f"{entry.ratio.text if entry.ratio else ''} of {'group' if entry.masked is None else 'layer'}"
    return "excluded" if entry.action is Action.EXCLUDE else "not selected"


def _repeats_folded(blocks: Iterable[_Block]) -> list[_Block]:
    """Blocks that differ only in one number of their names made one, innermost numbers first."""
    folded = list(blocks)
    deepest = max((len(entry.name) for block in folded for line in block.lines for entry in line.entries), default=0)
    for depth in reversed(range(deepest)):
        same: dict[object, list[tuple[_Block, int]]] = {}
        for position, block in enumerate(folded):
            slot = _slot(block, depth)
            key = position if slot is None else (slot[0], _renamed(block, slot[0], "N")._replace(repeats=0))
            same.setdefault(key, []).append((block, -1 if slot is None else slot[1]))
        folded = [_joined(found, depth) for found in same.values()]
    return folded


def _slot(block: _Block, depth: int) -> tuple[Name, int] | None:
    """The first number at this depth of a name and what stands before it, if all such names have the same number."""
    names = [entry.name for line in block.lines for entry in line.entries]
    first = next((name for name in names if len(name) > depth and name[depth].isdecimal()), None)
    if first is None:
        return None
    beside = {name[depth] for name in names if len(name) > depth and name[:depth] == first[:depth]}
    return (first[:depth], int(first[depth])) if len(beside) == 1 else None


def _renamed(block: _Block, prefix: Name, number: str) -> _Block:
    """The block with another number behind the prefix."""

    def renamed(name: Name) -> Name:
        if len(name) <= len(prefix) or name[: len(prefix)] != prefix:
            return name
        return (*prefix, number, *name[len(prefix) + 1 :])

    lines = [
        line._replace(entries=tuple(entry._replace(name=renamed(entry.name)) for entry in line.entries))
        for line in block.lines
    ]
    return block._replace(lines=tuple(lines), where=renamed(block.where))


def _joined(found: Sequence[tuple[_Block, int]], depth: int) -> _Block:
    if len(found) == 1:
        return found[0][0]
    first = found[0][0]
    slot = _slot(first, depth)
    prefix = slot[0] if slot else ()
    numbers = ranges(number for _, number in found)
    where = (*prefix, numbers, *first.where[depth + 1 :])
    return _renamed(first, prefix, "N")._replace(repeats=sum(block.repeats for block, _ in found), where=where)


def _text(block: _Block, paint: Paint) -> Iterator[str]:
    place = f" in each of {printable('.'.join(block.where))} ({block.repeats:,} groups)" if block.where else ""
    yield paint(block.size, "strong") + place
    for line in block.lines:
        by_remark: dict[str, list[Name]] = {}
        for entry in line.entries:
            by_remark.setdefault(entry.remark, []).append(entry.name)
        names = [
            (printable(".".join(name)) or "the model") + (f" ({remark})" if remark else "")
            for remark, same in by_remark.items()
            for name in fold(same)
        ]
        first, *more = _wrapped(names, line.head)
        yield f"  {paint(f'{line.label:<9}', 'dim')}  {first}"
        yield from (" " * _INDENT + each for each in more)


def _wrapped(names: Sequence[str], head: str) -> Iterator[str]:
    """The names with commas between them, on as many lines as they need."""
    text = head + names[0]
    for name in names[1:]:
        if len(text) + len(name) + 2 > _WIDTH:
            yield f"{text},"
            text = name
        else:
            text += f", {name}"
    yield text
