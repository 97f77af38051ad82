"""A plan for people: a table or a tree of layers, each with a bar of what it loses, and the totals."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pruneconf.output.plan_data import share
from pruneconf.output.style import printable
from pruneconf.plan import Action, LayerPlan, Plan

BAR = 20
"""Width of a bar, in terminal columns."""


def print_table(plan: Plan, console: Console) -> None:
    """One row a layer, in model order."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    for heading in ("type", "weight", "decided by", "plan"):
        table.add_column(heading, no_wrap=True)
    table.add_column("channels" if plan.structured else "masked", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for entry in plan.layers:
        layer = entry.layer
        shape = "x".join(map(str, layer.shape)) or "1"
        table.add_row(
            printable(layer.name) or "(the model)", layer.type, shape, _decided(plan, entry), *_fate(plan, entry)
        )
    console.print(table)
    _print_totals(plan, console)


def print_tree(plan: Plan, console: Console) -> None:
    """The module tree; a module shows what its layers lose together."""
    root = Tree(Text(plan.graph.type, "bold"))
    branches: dict[str, Tree] = {"": root}
    for entry in plan.layers:
        above, _, name = entry.layer.name.rpartition(".")
        what, masked, bar = _fate(plan, entry)
        line = Text.assemble(name or "(the model)", " ", (entry.layer.type, "dim"), "  ", what, "  ", masked, "  ", bar)
        _branch(above, branches).add(line)
    console.print(root)
    _print_totals(plan, console)


def _branch(name: str, branches: dict[str, Tree]) -> Tree:
    if name not in branches:
        above, _, last = name.rpartition(".")
        branches[name] = _branch(above, branches).add(Text(printable(last), "bold"))
    return branches[name]


def _decided(plan: Plan, entry: LayerPlan) -> str:
    return "" if entry.decided_by is None else f"line {_line(plan, entry.decided_by)}"


def _line(plan: Plan, sub_config: int) -> int:
    document = plan.config.document
    node = document.find(plan.config.sub_configs[sub_config].path)
    return document.position(node.start if node else 0).line


def _fate(plan: Plan, entry: LayerPlan) -> tuple[Text, Text, Text]:
    """What happens, how many elements are masked, and a bar of the weight (`█` masked, `▒` at most, `·` kept)."""
    numel = entry.layer.numel
    if entry.action is Action.NONE:
        return Text("not selected", "dim"), Text(), Text("·" * BAR, "dim")
    if entry.action is Action.EXCLUDE:
        return Text("exclude", "cyan"), Text(), Text("·" * BAR, "dim")
    ratio = entry.ratio.text if entry.ratio else ""
    in_group = any(group.sub_config == entry.decided_by for group in plan.groups)
    what = f"{ratio} of {'group' if in_group else 'layer'}"
    if entry.masked is not None:
        full = round(BAR * share(entry.masked, numel))
        return Text(what), _amount(plan, entry, entry.masked), Text("█" * full + "·" * (BAR - full), "red")
    group = next(group for group in plan.groups if group.sub_config == entry.decided_by)
    most = min(group.max_masked.get(entry.layer.name, numel), group.masked)
    full = round(BAR * share(most, numel))
    return Text(what), Text("≤ ") + _amount(plan, entry, most), Text("▒" * full + "·" * (BAR - full), "red")


def _amount(plan: Plan, entry: LayerPlan, masked: int) -> Text:
    """How much of a layer is masked: elements, or channels of how many."""
    if not plan.structured or not entry.unit:
        return Text(f"{masked:,}")
    return Text(f"{masked // entry.unit:,}/{entry.layer.numel // entry.unit:,}")


def _print_totals(plan: Plan, console: Console) -> None:
    console.print()
    for line in total_lines(plan):
        console.print(line, highlight=False, soft_wrap=True)


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
