"""The language server: what the command line knows of configs, told to an editor while they are written.

It reads graph files and imports no torch. Nothing below it knows of editors; nothing in it decides what a config means.
"""

from __future__ import annotations

import gc
import os
import sys

from pruneconf.errors import PruneconfError

_GARBAGE = (50_000, 20, 20)
"""When garbage is looked for: a config of thousands of lines is no garbage while it is read."""


def serve() -> None:
    """Speak the language server protocol on standard input and output until the editor ends it.

    Raises PruneconfError where the packages for it are not installed.
    """
    sys.modules["ssl"] = None  # type: ignore[assignment] # asyncio does without it, and it takes 4 MiB
    try:
        from pruneconf.server import events, requests  # noqa: F401 - they say what the server does
        from pruneconf.server.server import server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"pygls", "lsprotocol"}:
            raise
        raise PruneconfError("the language server needs pygls: run `pip install 'pruneconf[server]'`") from error
    gc.set_threshold(*_GARBAGE)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:
        sys.stdout = sys.stderr  # whatever is printed now is no message
        server.start_io(stdout=output)
