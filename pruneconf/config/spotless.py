"""Good configs, recognised at once: most of those that a hook or an editor sees.

Loading the schema's validator costs more than all else that the linter does to a good config. So what is beyond doubt
goes by it: where this says yes, the schema accepts the config and no rule that looks at the list alone has a word to
say (a property test holds it to that). Where it says no, nothing is said yet.
"""

from __future__ import annotations

from typing import Any

from pruneconf.config.keys import CAP, EXCLUDE, SELECTORS

_AMOUNTS = {
    frozenset(keys)
    for keys in ([EXCLUDE], ["sparsity_per_layer"], ["total_sparsity"], ["total_sparsity", CAP])
}  # fmt: skip
_HIGHEST = 0.98
"""Above it a rule may find a ratio extreme."""


def is_spotless(data: Any) -> bool:
    """Whether a list, as plain data, is beyond doubt a config without an error or a warning."""
    return isinstance(data, list) and data != [] and all(map(_is_spotless, data))


def _is_spotless(sub_config: Any) -> bool:
    if not isinstance(sub_config, dict):
        return False
    amounts = []
    for key, value in sub_config.items():
        if key in SELECTORS:
            if not _are_names(value):
                return False
        elif _is_amount(key, value):
            amounts.append(key)
        else:
            return False
    return len(amounts) < len(sub_config) and frozenset(amounts) in _AMOUNTS


def _are_names(value: Any) -> bool:
    texts = isinstance(value, list) and set(map(type, value)) == {str}
    return texts and "" not in value and len(set(value)) == len(value)


def _is_amount(key: str, value: Any) -> bool:
    if key == EXCLUDE:
        return value is True
    return isinstance(value, float) and 0 < value <= (1 if key == CAP else _HIGHEST)
