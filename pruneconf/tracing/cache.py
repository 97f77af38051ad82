"""Graphs that were traced before, so that a model which did not change is not run again and no torch is imported.

An entry stands in `.pruneconf_cache/` of the current directory under a name that tells what was asked for, and of
which Python. It holds what was read to make it (`reads.py`), and counts only while all of that is unchanged.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pruneconf.errors import PruneconfError
from pruneconf.remembered import FOLDER, keep
from pruneconf.tracing.order import Order
from pruneconf.tracing.reads import Reads, same
from pruneconf.tracing.result import Traced, traced_from
from pruneconf.tracing.target import Code, Pretrained
from pruneconf.version import __version__

_FORMAT = 1


def entry_of(order: Order, what: Code | Pretrained) -> Path:
    """Where the graph of this order is kept."""
    told = [order.target, order.inputs, str(Path(order.base).resolve())]
    python = [sys.version, sys.prefix, sys.path, __version__, _FORMAT]
    key = json.dumps([told, str(Path.cwd()), python, list(_importable(what))])
    return Path(FOLDER, hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:32] + ".json")


def recall(entry: Path) -> Traced | None:
    """The graph of an earlier run, if nothing that it was made from has changed. A damaged entry counts as none."""
    try:
        data = json.loads(entry.read_bytes())
        return traced_from(data) if same(Reads(*data["reads"])) else None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, PruneconfError):
        return None


def forget(entry: Path) -> None:
    """Remove a graph that the user does not trust."""
    with suppress(OSError):
        entry.unlink(missing_ok=True)


def remember(entry: Path, data: dict[str, Any]) -> None:
    """Keep a graph for later runs."""
    if data.get("reads") is not None:
        keep(entry.name, json.dumps(data, ensure_ascii=False))


def _importable(what: Code | Pretrained) -> Iterator[str]:
    """What can be imported from the model's own folder: a new file there may stand before an installed package."""
    if isinstance(what, Pretrained):
        return
    folder = Path.cwd() if what.path is None else what.path.resolve().parent
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.endswith((".py", ".so", ".pyd")) or (entry.is_dir() and Path(entry, "__init__.py").is_file()):
            yield entry.name
