"""Did you mean: the names nearest to one that is not there, or none when nothing is near."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from itertools import takewhile

from pruneconf.wrappers import WRAPPERS

_ADDED = WRAPPERS | {"base_model", "model", "self"}
"""Segments that wrappers of a model put into its names, or people do."""

LONGEST_NAME = 500
LONGEST_INDEX = 9
MOST_COMPARISONS = 3_000_000
"""How many pairs of dotted names are compared letter by letter before only exact relations are looked for."""


def nearest(word: str, candidates: Iterable[str], limit: int = 1) -> list[str]:
    """Candidates within a third of the word's length in edits (a swap of neighbours is one), nearest first."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    found = extract(
        word,
        list(candidates),
        scorer=OSA.distance,
        processor=str.lower,
        score_cutoff=max(1, len(word) // 3),
        limit=limit,
    )
    return [candidate for candidate, _, _ in found]


def did_you_mean(found: list[str]) -> str | None:
    """The help line that offers these names, or None for none."""
    if not found:
        return None
    quoted = [f"`{name}`" for name in found]
    return f"did you mean {quoted[0]}?" if len(quoted) == 1 else f"did you mean one of {', '.join(quoted)}?"


def like_file(name: str) -> str:
    """What to do about a path that leads nowhere: the name nearby that was meant, or the folder that is missing."""
    from pathlib import Path

    path = Path(name)
    if path.is_symlink():
        return f"it is a link to `{path.readlink()}`, mend that"
    if not path.parent.is_dir():
        return f"there is no directory `{path.parent}`"
    siblings = [sibling.name for sibling in path.parent.iterdir() if sibling.suffix == path.suffix]
    close = [str(path.with_name(sibling)) for sibling in nearest(path.name, siblings)]
    return did_you_mean(close) or "give its path as seen from the current directory"


class DottedNames:
    """The dotted names of a model, arranged so that the one that was meant is found among many, many times."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._known = frozenset(self.names)
        self._comparisons_left = MOST_COMPARISONS

    def again(self) -> DottedNames:
        """The same, with its comparisons to make anew."""
        self._comparisons_left = MOST_COMPARISONS
        return self

    def near(self, name: str, limit: int = 3) -> list[str]:
        """The names that `name` was most likely meant to be: those that differ from it least, all alike in that.

        Nearest is the same name in another notation (`layer1[0].conv1`, `Layer1_0_conv1`); then one that is longer or
        shorter by a prefix of whole segments (`module.`, `model.`); then one with other indices; then one in which
        the fewest segments differ, each by few letters. Empty where more than `limit` are equally near, or none is.
        """
        if len(name) > LONGEST_NAME:
            return []
        found = (
            self._alike.get(_bare(name))
            or self._unwrapped(name)
            or self._other_prefix(name)
            or self._wrapped(name)
            or self._other_index(name)
            or self._few_edits(name)
        )
        return list(found) if len(found) <= limit else []

    def holding(self, part: str) -> str | None:
        """The first name that contains `part`."""
        if self._comparisons_left <= 0:
            return None
        self._comparisons_left -= len(self.names)
        return next((name for name in self.names if part in name), None)

    @cached_property
    def _alike(self) -> dict[str, list[str]]:
        alike: dict[str, list[str]] = {}
        for name in self.names:
            alike.setdefault(_bare(name), []).append(name)
        return alike

    def _unwrapped(self, name: str) -> tuple[str, ...]:
        inner = unwrap(name)
        return (inner,) if inner in self._known else ()

    @cached_property
    def _by_inner_name(self) -> dict[str, list[str]]:
        by_inner_name: dict[str, list[str]] = {}
        for name in self.names:
            by_inner_name.setdefault(unwrap(name), []).append(name)
        return by_inner_name

    def _wrapped(self, name: str) -> tuple[str, ...]:
        """Names that differ from `name` in what wrappers put anywhere into them."""
        return tuple(self._by_inner_name.get(unwrap(name) or name, ()))

    @cached_property
    def _by_ending(self) -> dict[str, tuple[str, ...]]:
        """Names under each of their endings of whole segments (of many with one ending, a few)."""
        several = 4
        by_ending: dict[str, tuple[str, ...]] = {}
        for name in self.names:
            for ending in _endings(name):
                there = by_ending.get(ending, ())
                if len(there) < several:
                    by_ending[ending] = (*there, name)
        return by_ending

    def _other_prefix(self, name: str) -> tuple[str, ...]:
        """Names that begin with more or fewer segments than `name`; a single segment in common is not enough."""
        longer = self._by_ending.get(name, ())
        shorter = next((ending for ending in _endings(name) if "." in ending and ending in self._known), None)
        return longer or ((shorter,) if shorter else ())

    @cached_property
    def _by_form(self) -> dict[str, list[str]]:
        """Names that are the same but for their indices."""
        by_form: dict[str, list[str]] = {}
        for name in self.names:
            by_form.setdefault(_form(name), []).append(name)
        return by_form

    def _other_index(self, name: str) -> tuple[str, ...]:
        """The name with the nearest indices, the outer ones first."""
        wanted = _indices(name)
        there = self._by_form.get(_form(name), ()) if wanted else ()
        nearest = min(there, key=lambda other: (_apart(wanted, _indices(other)), other), default=None)
        return (nearest,) if nearest else ()

    def _few_edits(self, name: str) -> tuple[str, ...]:
        """Names in which the fewest segments differ from those of `name`, and in these the fewest letters."""
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        if self._comparisons_left <= 0:
            return ()
        self._comparisons_left -= len(self.names)
        most, lowered = max(1, len(name) // 3), name.lower()
        similar = extract(lowered, self._lowered, scorer=OSA.distance, score_cutoff=most, limit=50)
        ranked = sorted(
            (*difference, i) for _, _, i in similar if (difference := _difference(lowered, self._lowered[i]))
        )
        best = takewhile(lambda rank: rank[:2] == ranked[0][:2], ranked)
        return tuple(self.names[i] for _, _, i in best)

    @cached_property
    def _lowered(self) -> list[str]:
        return [name.lower() for name in self.names]


def unwrap(name: str) -> str:
    """A name without the segments that wrappers put into it."""
    return ".".join(segment for segment in name.split(".") if segment not in _ADDED)


def _bare(name: str) -> str:
    """What stays of a name in any notation: its letters and digits, in segments."""
    return re.sub(r"[\W_]+", ".", name.lower()).strip(".")


def _is_index(segment: str) -> bool:
    return segment.isdecimal() and len(segment) <= LONGEST_INDEX


def _form(name: str) -> str:
    return ".".join("*" if _is_index(segment) else segment for segment in name.split("."))


def _indices(name: str) -> list[int]:
    return [int(segment) for segment in name.split(".") if _is_index(segment)]


def _apart(wanted: list[int], indices: list[int]) -> list[int]:
    return [abs(a - b) for a, b in zip(wanted, indices, strict=True)]


def _endings(name: str) -> list[str]:
    """What stays when one, two, ... leading segments are taken away."""
    segments = name.split(".")
    return [".".join(segments[i:]) for i in range(1, len(segments))]


def _difference(name: str, candidate: str) -> tuple[int, int] | None:
    """How many segments differ, and by how much; None where too much does to mistake one name for the other."""
    a, b = name.split("."), candidate.split(".")
    segments = len(a)
    while a and b and a[0] == b[0]:
        a, b = a[1:], b[1:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    differing = max(len(a), len(b))
    if differing > max(1, segments // 2):
        return None
    if not a or not b:
        return (differing, sum(map(len, a or b))) if segments > 1 and differing == 1 else None
    edits = [_edits(one, other) for one, other in zip(a, b, strict=False)]
    known = [count for count in edits if count is not None]
    return (differing, sum(known)) if len(known) == differing else None


def _edits(one: str, other: str) -> int | None:
    """How far apart two segments are, or None where one is no slip of the other."""
    from rapidfuzz.distance import OSA

    if _is_index(one) and _is_index(other):
        return abs(int(one) - int(other))
    words, other_words = set(one.split("_")), set(other.split("_"))
    if words < other_words or other_words < words:
        return 1
    longest = max(len(one), len(other))
    edits: int = OSA.distance(one, other)
    return edits if edits <= max(1, longest // 3) and edits < longest else None
