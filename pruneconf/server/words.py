"""What is said about keys, layers and sub-configs, as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

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


class Share:
    """What a sub-config decides in the end: how many layers and elements, and how many of these are masked."""

    def __init__(self, plan: Plan, index: int) -> None:
        self.selected = plan.selected[index].bit_count()
        self.names = [plan.graph.layers[i].name for i in bits(plan.effective[index])]
        entries = [plan.layers[i] for i in bits(plan.effective[index])]
        group = next((group for group in plan.groups if group.sub_config == index), None)
        self.excludes = plan.config.sub_configs[index].exclude
        self.numel = group.numel if group else sum(entry.layer.numel for entry in entries)
        self.masked = group.masked if group else sum(entry.masked or 0 for entry in entries)
        self.takers = sorted({takeover.later for takeover in plan.takeovers if takeover.earlier == index})

    @property
    def percent(self) -> str:
        """How much of the elements is masked."""
        return f"{100 * self.masked / self.numel:.3g} %" if self.numel else "0 %"


def of_sub_config(share: Share) -> str:
    """A sub-config: the layers that it decides in the end."""
    count = len(share.names)
    if share.excludes:
        lines = [f"**This sub-config** excludes {counted(count, 'layer')}"]
    else:
        lines = [
            f"**This sub-config** finally prunes {counted(count, 'layer')}: "
            f"{share.masked:,} of {share.numel:,} elements masked ({share.percent})"
        ]
    if share.takers:
        by = ", ".join(f"#{i + 1}" for i in share.takers)
        lines.append(f"it selects {share.selected:,}; the others are overridden by {by}")
    if share.names:
        lines.append(some(share.names, MOST_NAMES))
    return "\n\n".join(lines)
