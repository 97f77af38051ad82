"""Config lists in Python source: which of its lists are configs, and what is said of those that are not literal."""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.keys import TELLING
from pruneconf.document import Document, Mapping, Node, Path, Sequence

_LONGEST = 40


def config_lists(document: Document) -> list[Path]:
    """The paths to the literal lists that are configs, in the order of the text."""
    entries = document.root.entries if isinstance(document.root, Mapping) else ()
    return [(str(entry.key.value),) for entry in entries if _is_telling(entry.value)]


def unread_lists(document: Document) -> Iterator[str]:
    """What to say of each list that is a config, but known only when the source runs."""
    for unread in document.parsed.unread:
        if unread.keys & TELLING:
            source = " ".join(document.text[unread.start : unread.end].split())
            cut = source if len(source) <= _LONGEST else source[: _LONGEST - 1] + "…"
            line = document.position(unread.start).line
            where = f"`{document.name}` line {line}"
            yield f"{where}: `{unread.name}` is not checked, because `{cut}` in it is known only when it runs"


def no_list(document: Document) -> str:
    """What to say of a source in which no list can be checked."""
    for said in unread_lists(document):
        return f"{said}: write out what is in it"
    return f"`{document.name}` holds no config list: as a model, name it before the configs"


def _is_telling(node: Node) -> bool:
    items = node.items if isinstance(node, Sequence) else ()
    return any(entry.key.value in TELLING for item in items if isinstance(item, Mapping) for entry in item.entries)
