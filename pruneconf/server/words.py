"""What is said about keys, layers and sub-configs, as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from lsprotocol import types as lsp

from pruneconf.config.keys import KEYS
from pruneconf.config.schema import schema_text
from pruneconf.graph import Layer, ModelGraph, Side
from pruneconf.plan import Action, Plan, bits
from pruneconf.rules.words import counted, some

MOST_NAMES = 12
"""How many layers are named in one hover."""
_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def markup(text: str, formats: Sequence[lsp.MarkupKind] | None) -> lsp.MarkupContent | str:
    """A text in Markdown, in the best of the forms that an editor takes."""
    if formats and lsp.MarkupKind.Markdown in formats:
        return lsp.MarkupContent(lsp.MarkupKind.Markdown, text)
    return text.replace("**", "")


@cache
def of_keys() -> dict[str, str]:
    """The documentation of each key, from the published schema."""
    definitions: dict[str, Any] = json.loads(schema_text())["definitions"]
    return {key: str(_described(definitions.get(key, {}))) for key in KEYS}


def _described(definition: dict[str, Any]) -> str:
    return definition.get("markdownDescription") or definition.get("description") or ""


def short(count: int) -> str:
    """A count in three digits: 999, 1.2 k, 11.7 M."""
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return str(count)


def shape(layer: Layer) -> str:
    """The shape of a weight: 64x64x3x3."""
    return "x".join(map(str, layer.shape)) or "1"


def of_layer(layer: Layer, graph: ModelGraph, plan: Plan | None) -> str:
    """A layer: what it is, what becomes of it, what hangs on it."""
    lines = [
        f"**{layer.name or '(the model)'}** `{layer.type}`",
        f"weight `{shape(layer)}` {layer.dtype}, **{layer.numel:,}** elements",
    ]
    if plan:
        lines.append(_fate(layer, plan))
    if sharers := [other for other in graph.shared.get(layer.parameter, ()) if other != f"{layer.name}.weight"]:
        lines.append(f"shares its weight with {some(sharers)}")
    if layer.aliases:
        lines.append(f"also called {some(layer.aliases)}")
    if coupled := _coupled(layer, graph):
        lines.append(f"output channels coupled with {some(coupled)}")
    return "\n\n".join(lines)


def _fate(layer: Layer, plan: Plan) -> str:
    entry = plan.by_name[layer.name]
    if entry.decided_by is None:
        return "no sub-config selects it"
    where = f"sub-config #{entry.decided_by + 1}"
    others = [i for i in plan.selected_by(plan.layers.index(entry)) if i != entry.decided_by]
    over = f" (over {', '.join(f'#{i + 1}' for i in others)})" if others else ""
    if entry.action is Action.EXCLUDE or entry.ratio is None:
        return f"excluded by {where}{over}"
    if entry.masked is None:
        return f"pruned by {where}{over}: its share of a total of {entry.ratio.text}"
    return f"pruned by {where}{over}: {entry.masked:,} elements masked ({entry.ratio.text})"


def _coupled(layer: Layer, graph: ModelGraph) -> list[str]:
    """The layers that make the same output channels."""
    found: dict[str, None] = {}
    for coupling in graph.couplings_of.get(layer.name, ()):
        makers = coupling.layers(Side.OUT)
        if layer.name in makers:
            found.update(dict.fromkeys(makers))
    return [name for name in found if name != layer.name]


class Share(NamedTuple):
    """What a sub-config decides in the end, of `selected` layers: which, with how many elements, how many masked.

    `takers` are the sub-configs that take the others over.
    """

    selected: int
    names: list[str]
    numel: int
    masked: int
    excludes: bool
    takers: list[int]

    @property
    def percent(self) -> str:
        """How much of the elements is masked."""
        return f"{100 * self.masked / self.numel:.3g} %" if self.numel else "0 %"


def shares(plan: Plan, wanted: Iterable[int]) -> Iterator[Share]:
    """The shares of the sub-configs with these indices."""
    takers: dict[int, list[int]] = {}
    for takeover in plan.takeovers:
        takers.setdefault(takeover.earlier, []).append(takeover.later)
    groups = {group.sub_config: group for group in plan.groups}
    for index in wanted:
        entries = [plan.layers[i] for i in bits(plan.effective[index])]
        group = groups.get(index)
        yield Share(
            plan.selected[index].bit_count(),
            [entry.layer.name for entry in entries],
            group.numel if group else sum(entry.layer.numel for entry in entries),
            group.masked if group else sum(entry.masked or 0 for entry in entries),
            plan.config.sub_configs[index].exclude,
            sorted(takers.get(index, ())),
        )


def of_sub_config(share: Share) -> str:
    """A sub-config: the layers that it decides in the end."""
    count = counted(len(share.names), "layer")
    masked = f"{share.masked:,} of {share.numel:,} elements masked ({share.percent})"
    does = f"excludes {count}" if share.excludes else f"finally prunes {count}: {masked}"
    lines = [f"**This sub-config** {does}"]
    if share.takers:
        by = ", ".join(f"#{i + 1}" for i in share.takers)
        lines.append(f"it selects {share.selected:,}; the others are overridden by {by}")
    if share.names:
        lines.append(some(share.names, MOST_NAMES))
    return "\n\n".join(lines)
