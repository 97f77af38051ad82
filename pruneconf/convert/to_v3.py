"""From the form of NNI v2 to that of v3, where the first entry decides a layer and exclusions stand in the entries."""

from __future__ import annotations

from pruneconf.config.keys import CAP, EXCLUDE, RATIOS
from pruneconf.convert.items import Item, Line, Number
from pruneconf.convert.patterns import pattern_of
from pruneconf.plan.selection import DEFAULT_TYPES

_TURNED = "the order is turned round: the first entry decides a layer in NNI v3, the last one in v2"


def to_v3(items: list[Item]) -> list[Item]:
    """The list in the form of v3; what has no counterpart is noted at its sub-config."""
    kept: list[Item] = []
    for item in items:
        _spell_out_default(item)
        if item.has(EXCLUDE) and item.get(EXCLUDE) is not False:
            _exclude(item, kept)
        else:
            _convert(item)
            kept.append(item)
    if len(kept) > 1:
        kept[-1].notes.append(
            "the order is turned round: the first entry decides a layer in NNI v3, the last one in v2"
        )
    return kept[::-1]


def _spell_out_default(item: Item) -> None:
    types = item.texts("op_types")
    if "default" in types:
        for line in item.lines:
            if line.key == "op_types":
                line.value = list(dict.fromkeys([*(name for name in types if name != "default"), *DEFAULT_TYPES]))


def _exclude(exclusion: Item, kept: list[Item]) -> None:
    """Write an exclusion into every sub-config before it: those behind it may prune the same layers again."""
    names, parts, types = (exclusion.texts(key) for key in ("op_names", "op_partial_names", "op_types"))
    for item in kept:
        if names or parts:
            item.add("exclude_op_names", names)
            item.add("exclude_op_names_re", map(pattern_of, parts))
            kinds = item.texts("op_types")
            if types and not (kinds and set(kinds) <= set(types)):
                item.lose(f"the `op_types` of the exclusion {exclusion.index}: all layers with its names are excluded")
        else:
            item.add("exclude_op_types", types)
    if kept:
        kept[-1].above += exclusion.above
        kept[-1].above += [comment for line in exclusion.lines for comment in line.above + line.beside]


def _convert(item: Item) -> None:
    parts = item.texts("op_partial_names")
    item.rename("op_partial_names", "op_names_re")
    for line in item.lines:
        if line.key == "op_names_re":
            line.value = [pattern_of(part) for part in parts]
    if parts and not item.has("op_types"):
        item.notes.append("NNI v3 fails where a pattern also matches a container: add `op_types`")
    total = item.has("total_sparsity")
    for key in RATIOS:
        item.rename(key, "sparse_ratio")
    item.rename(CAP, "max_sparse_ratio")
    if total:
        item.lines.append(Line("global_group_id", Number(item.index)))
        if item.has("max_sparse_ratio"):
            item.lose("the cap of each layer: NNI 3.0 looks at it for the group as a whole")
