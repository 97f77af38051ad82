"""From the forms of NNI v1 and v3 to that of v2, which is the one that pruneconf checks and carries out.

In v3 the first entry that selects a layer decides it; in v1 and v2 the last one does.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.foreign import FOREIGN
from pruneconf.config.keys import CAP, EXCLUDE, RATIOS, SELECTORS
from pruneconf.convert.items import Item, Line
from pruneconf.convert.patterns import name_of

_COUPLED = "layers that have to be pruned together are found in the model"
_LOST = {
    "min_sparse_ratio": "there is no lower bound for a layer",
    "granularity": "the pruner decides what is masked together",
    "apply_method": "what is masked is zero",
    "align": _COUPLED,
    "dependency_group_id": _COUPLED,
    "internal_metric_block": _COUPLED,
    "sparse_threshold": "how much to prune is a ratio",
}
_DEFAULTS = (None, "default", "mul")
_EXCLUSIONS = ("exclude_op_names", "exclude_op_names_re", "exclude_op_types")
_TURNED = "the order is turned round: the first entry decides a layer in NNI v3, the last one here"
_GROUP = "global_group_id"


def is_v3(items: list[Item]) -> bool:
    """Whether a list has keys that only NNI v3 knows."""
    return any(line.key in FOREIGN and FOREIGN[line.key].rule == "PC602" for item in items for line in item.lines)


def to_v2(items: list[Item]) -> list[Item]:
    """The list in the form of v2; what has no counterpart is noted at its sub-config."""
    if not is_v3(items):
        for item in items:
            _from_v1(item)
        return items
    for item in items:
        _from_v3(item)
    items = _merged(items)
    converted = [[item, *_exclusions(item, items[i + 1 :])] for i, item in enumerate(items)]
    if len(items) > 1:
        items[-1].notes.append(_TURNED)
    return [item for group in reversed(converted) for item in group]


def _from_v1(item: Item) -> None:
    if item.has(EXCLUDE) and item.get(EXCLUDE) is not False and item.has(*RATIOS):
        item.remove(*RATIOS)
        item.lose("the ratio beside `exclude`, which counted for nothing")
    if not item.has("sparsity_per_layer"):
        item.rename("sparsity", "sparsity_per_layer")
    if not item.has(*RATIOS):
        item.rename("final_sparsity", "sparsity_per_layer")
    schedule = [line.key for line in item.lines if line.key in FOREIGN and FOREIGN[line.key].rule == "PC603"]
    if schedule:
        item.remove(*schedule)
        names = ", ".join(f"`{key}`" for key in schedule)
        item.lose(f"{names}: pruning takes one step here")
    _drop_if_empty(item)


def _from_v3(item: Item) -> None:
    _take_target(item)
    for line in list(item.lines):
        if line.key in _LOST:
            item.remove(line.key)
            if line.value not in _DEFAULTS:
                item.lose(f"`{line.key}`: {_LOST[line.key]}")
    _names(item, "op_names_re", item)
    grouped = item.get(_GROUP) is not None
    item.rename("sparse_ratio", "total_sparsity" if grouped else "sparsity_per_layer")
    if grouped:
        item.rename("max_sparse_ratio", CAP)
    elif item.has("max_sparse_ratio"):
        item.remove("max_sparse_ratio")
        item.lose("`max_sparse_ratio`: a cap belongs to a ratio over several layers")
    _drop_if_empty(item)


def _take_target(item: Item) -> None:
    """Make the settings of the weight those of the sub-config; there is no other target."""
    settings = item.get("target_settings")
    if isinstance(settings, dict):
        item.remove("target_settings")
        weight = settings.get("weight", {})
        item.lines += [Line(key, value) for key, value in weight.items() if not item.has(key) and value is not None]
    targets = {*item.texts("target_names"), *(settings if isinstance(settings, dict) else ())}
    item.remove("target_names")
    others = sorted(targets - {"weight", "bias"})
    if others:
        item.lose(f"the targets {', '.join(f'`{name}`' for name in others)}: only weights are pruned here")
    if targets and "weight" not in targets:
        item.lose("the whole sub-config, because it is not about weights")
        item.dropped = True


def _names(item: Item, key: str, target: Item) -> None:
    """Write the patterns under a key of `item` as names and parts of names of `target`."""
    patterns = item.texts(key)
    item.remove(key)
    for pattern in patterns:
        name = name_of(pattern)
        if name is None:
            item.lose(f"the pattern `{pattern}` of `{key}`: list the names that it stands for")
            continue
        target.add(name.key, [name.text])
        if name.note:
            target.lose(f"the pattern `{pattern}` exactly: {name.note}")


def _exclusions(item: Item, later: list[Item]) -> Iterator[Item]:
    """The sub-configs that exclude what `exclude_op_…` takes out of one; v3 leaves that to the later entries."""
    left = any(not set(item.texts(key)) <= set(other.texts(key)) for other in later for key in _EXCLUSIONS)
    by_name, by_type = Item(item.index), Item(item.index)
    by_name.add("op_names", item.texts("exclude_op_names"))
    _names(item, "exclude_op_names_re", by_name)
    by_type.add("op_types", item.texts("exclude_op_types"))
    item.remove(*_EXCLUSIONS)
    for exclusion in (by_name, by_type):
        if exclusion.lines and not item.dropped:
            if left:
                exclusion.lose("later entries of NNI v3 could still prune these layers, here nothing does")
            exclusion.lines.append(Line(EXCLUDE, True))
            yield exclusion


def _merged(items: list[Item]) -> list[Item]:
    """The sub-configs with those of one group, where lists say it, joined to one; a total is of one sub-config."""
    kept: list[Item] = []
    for item in items:
        group = item.get(_GROUP)
        mates = [other for other in kept if group is not None and other.get(_GROUP) == group]
        if mates and _joins(mates[0], item):
            selector = next(line.key for line in item.lines if line.key in SELECTORS)
            mates[0].add(selector, item.texts(selector))
            mates[0].above += item.above
            mates[0].notes += item.notes
            continue
        if mates:
            item.lose(f"the group `{group}` that it shares with another entry: each has a total of its own")
        kept.append(item)
    for item in kept:
        item.remove(_GROUP)
    return kept


def _joins(first: Item, second: Item) -> bool:
    """Whether two sub-configs differ in nothing but what is listed under the one selector that both have."""
    rest = [{line.key: line.value for line in item.lines if line.key not in SELECTORS} for item in (first, second)]
    selectors = [[line.key for line in item.lines if line.key in SELECTORS] for item in (first, second)]
    return rest[0] == rest[1] and selectors[0] == selectors[1] and len(selectors[0]) == 1


def _drop_if_empty(item: Item) -> None:
    """Drop what has lost its selector or its amount on the way."""
    if item.notes and not (item.has(*SELECTORS) and item.has(*RATIOS, EXCLUDE)):
        item.dropped = True
