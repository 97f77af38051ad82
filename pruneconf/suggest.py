"""Did you mean: the names nearest to one that is not there, or none when nothing is near."""

from __future__ import annotations

from collections.abc import Iterable


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


def nearest_layers(name: str, names: Iterable[str], limit: int = 3) -> list[str]:
    """Dotted names nearest to `name`: first by how many of their segments differ, then by edits.

    `layers.3.attn.q` is nearer to `model.layers.3.attn.q` (a prefix is missing) than to `layers.8.attn.q`.
    """
    from rapidfuzz.distance import OSA

    wanted = name.split(".")
    ranked = []
    for candidate in {*nearest(name, names, limit=50), *_same_ending(wanted, names)}:
        segments = candidate.split(".")
        differing = _differing(wanted, segments)
        ranked.append((differing, OSA.distance(name, candidate), candidate))
    ranked.sort()
    return [candidate for _, _, candidate in ranked[:limit]]


def _same_ending(wanted: list[str], names: Iterable[str]) -> list[str]:
    """Names that end as `wanted` does after a prefix is added to or taken from it (at least two segments)."""
    shortest = 2
    endings = tuple("." + ".".join(wanted[i:]) for i in range(len(wanted) - shortest + 1))
    longer = [name for name in names if endings and name.endswith(endings[0])]
    shorter = {ending[1:] for ending in endings[1:]}
    return longer + [name for name in names if name in shorter]


def _differing(wanted: list[str], segments: list[str]) -> int:
    """How many segments differ, counted from the end where a prefix is missing or too much."""
    common = min(len(wanted), len(segments))
    from_start = sum(a != b for a, b in zip(wanted, segments, strict=False))
    from_end = sum(a != b for a, b in zip(wanted[-common:], segments[-common:], strict=True))
    return min(from_start, from_end) + (len(wanted) != len(segments))


def did_you_mean(found: list[str]) -> str | None:
    """The help line that offers these names, or None for none."""
    if not found:
        return None
    quoted = [f"`{name}`" for name in found]
    return f"did you mean {quoted[0]}?" if len(quoted) == 1 else f"did you mean one of {', '.join(quoted)}?"
