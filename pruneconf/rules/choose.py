"""Which rules the user wants to hear."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pruneconf.errors import PruneconfError

if TYPE_CHECKING:
    from pruneconf.findings import RuleInfo

Chosen = Callable[["RuleInfo"], bool]


def chooser(select: Iterable[str], ignore: Iterable[str]) -> Chosen:
    """Whether a rule is wanted: in `select` (all, where that is empty) and not in `ignore`.

    Each entry holds codes, code prefixes (`PC3`) or names, separated by commas; one that fits no rule is an error.
    """
    wanted, unwanted = _words(select), _words(ignore)

    def chosen(info: RuleInfo) -> bool:
        return (not wanted or fits(info, wanted)) and not fits(info, unwanted)

    return chosen


def fits(info: RuleInfo, words: Iterable[str]) -> bool:
    """Whether one of these words, codes, code prefixes or names, stands for a rule."""
    return any(info.name == word or info.code.startswith(word) for word in words)


def _words(entries: Iterable[str]) -> list[str]:
    words = [word.strip() for entry in entries for word in entry.split(",") if word.strip()]
    if words:
        from pruneconf.rules.registry import all_rules

        infos = [rule.info for rule in all_rules()]
        for word in words:
            if not any(fits(info, [word]) for info in infos):
                raise PruneconfError(unknown_rule(word, infos))
    return words


def unknown_rule(word: str, infos: Iterable[RuleInfo]) -> str:
    """The sentence for a word that names no rule."""
    from pruneconf.suggest import did_you_mean, nearest

    names = [name for info in infos for name in (info.code, info.name)]
    hint = did_you_mean(nearest(word, names)) or "`pruneconf rules` lists them"
    return f"there is no rule `{word}`; {hint}"
