"""What an editor offers in a selector list, in the keywords of JSON Schema that the editor understands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from math import isqrt
from typing import Any, NamedTuple

Schema = dict[str, Any]


class Offer(NamedTuple):
    """A value to offer, and what it stands for (Markdown)."""

    value: str
    says: str


Encode = Callable[[Schema, Sequence[Offer], Collection[str] | None, str], Schema]
"""(schema of a text, what to offer, the only texts to accept or None for all, what to say of others) to its schema."""

_PLAIN = re.compile(r"[^\W\d][\w./-]*")
_YAML_1_1 = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_TEXTS = ("description", "markdownDescription", "defaultSnippets")


def yaml_text(value: str) -> str:
    """A text as YAML, quoted where a loader of any version might take it for something else."""
    if _PLAIN.fullmatch(value) and value.lower() not in _YAML_1_1:
        return value
    return json.dumps(value, ensure_ascii=False)


def snippets(schema: Schema, offers: Sequence[Offer], known: Collection[str] | None, other: str) -> Schema:
    """For the YAML language server, which takes an `enum` badly: it shows all values in each hover and message, and
    makes a quick fix of every one.

    Snippets complete, a condition that names the values the other way round checks, and one condition for each value
    explains just that one.
    """
    return {
        **{key: value for key, value in schema.items() if key not in _TEXTS},
        "defaultSnippets": [_snippet(place, offer) for place, offer in enumerate(offers)],
        **_only(known, other, {"allOf": _hovers(offers)} if offers else {}),
    }


def _snippet(place: int, offer: Offer) -> Schema:
    return {
        "label": offer.value,
        # `body` would cost the server quadratic time; it would not quote either
        "bodyText": re.sub(r"[\\$}]", r"\\\g<0>", yaml_text(offer.value)),
        "sortText": f"{place:06}",
        "markdownDescription": _described(offer),
    }


def _hovers(offers: Sequence[Offer]) -> list[Schema]:
    """Conditions that explain one value each, in bundles, so that few are tried for each name in a config."""
    size = max(2, isqrt(len(offers)))
    bundles = [offers[first : first + size] for first in range(0, len(offers), size)]
    return [_when(bundle, {"allOf": [_explained(offer) for offer in bundle]}) for bundle in bundles]


def _explained(offer: Offer) -> Schema:
    return _when([offer], {"markdownDescription": _described(offer)})


def _when(offers: Sequence[Offer], then: Schema) -> Schema:
    """A condition for some values; servers of before 2026 would offer those of an `enum` or `const` a second time."""
    names = "|".join(re.sub(r"[$()*+./?\[\\\]^{|}]", r"\\\g<0>", offer.value) for offer in offers)
    return {"if": {"type": "string", "pattern": f"^({names})$"}, "then": then}


def _described(offer: Offer) -> str:
    return f"`{offer.value}`\n\n{offer.says}"


def _only(known: Collection[str] | None, other: str, of_known: Schema) -> Schema:
    """Refuse other texts with one sentence; what is no text is refused already."""
    if known is None:  # a condition all the same: beside `allOf` the YAML language server offers an empty item
        return {"if": {"type": "string"}, "then": of_known} if of_known else {}
    others = {"type": "string", **({"not": {"enum": list(known)}} if known else {})}
    return {"if": others, "then": {"type": "null", "errorMessage": other}, **({"else": of_known} if of_known else {})}


def values(schema: Schema, offers: Sequence[Offer], known: Collection[str] | None, other: str) -> Schema:
    """For the JSON language server of VS Code: an `enum`, with a text for each value."""
    texts = {"markdownEnumDescriptions": [offer.says for offer in offers]}  # the server shows the value before it
    return _values(schema, offers, known, other, texts)


def values_with_metadata(schema: Schema, offers: Sequence[Offer], known: Collection[str] | None, other: str) -> Schema:
    """For JetBrains IDEs: an `enum`, with a text for each value where these read it."""
    texts = {offer.value: {"description": offer.says.replace("**", "").replace("`", "")} for offer in offers}
    return _values(schema, offers, known, other, {"x-intellij-enum-metadata": texts})


def _values(
    schema: Schema, offers: Sequence[Offer], known: Collection[str] | None, other: str, texts: Schema
) -> Schema:
    schema = {key: value for key, value in schema.items() if key != "defaultSnippets"}
    if not offers:
        return {**schema, **_only(known, other, {})}
    listed = {"enum": [offer.value for offer in offers], **texts}
    if known is not None and len(known) == len(offers):
        return {**schema, **listed, "errorMessage": other}
    return {**schema, "anyOf": [listed, {}], **_only(known, other, {})}
