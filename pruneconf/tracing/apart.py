"""Tracing a model in a process of its own: whatever its code does, this one goes on and needs no torch.

The process gets the time of its order, three quarters of the free memory and an empty standard input; it and all that
it started are ended afterwards. That protects from mistakes, not from malice: the code may do what the user may.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pruneconf.errors import PruneconfError
from pruneconf.tracing.failure import ADVICE_ON_MEMORY, place_name
from pruneconf.tracing.order import LAST_WORDS, RESULT, Order
from pruneconf.tracing.target import Code, Pretrained
from pruneconf.tracing.user_code import Project

_SHORT = 1.0
"""Seconds after which a user wants to know what takes so long."""
_GRACE = 60.0
"""Seconds on top for importing torch, before the process itself looks at the time."""

_START = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from pruneconf.tracing.worker import main
main(*sys.argv[2:])
"""
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)
_THREAD = re.compile(r"^(?=Thread |Current thread )", re.MULTILINE)


def trace_apart(
    order: Order, what: Code | Pretrained, *, debug: bool = False, waiting: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """The result of an order, as `result.py` writes it; `what` is its target.

    What the code prints is dropped, or goes to stderr with `debug`. `waiting` is called once if it takes over a
    second. Raises PruneconfError where the process ends without a result.
    """
    with TemporaryDirectory(prefix="pruneconf-") as folder:
        status = _run(order, folder, debug=debug, waiting=waiting)
        result, last_words = Path(folder, RESULT), Path(folder, LAST_WORDS)
        if result.exists():
            data: dict[str, Any] = json.loads(result.read_bytes())
            return data
        words = last_words.read_text(encoding="utf-8", errors="replace") if last_words.exists() else ""
    if debug:
        sys.stderr.write(words)
    raise PruneconfError(_why(order, what, status, words))


def _run(order: Order, folder: str, *, debug: bool, waiting: Callable[[], None]) -> int | None:
    """The exit status of the process; None if it had to be ended."""
    process = subprocess.Popen(  # noqa: S603 (our own code; it runs the user's)
        [sys.executable, "-P", "-c", _START, json.dumps(sys.path), json.dumps(order), folder],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if debug else subprocess.DEVNULL,
        stderr=None if debug else subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_SHORT)
        waiting()
        with suppress(subprocess.TimeoutExpired):
            return process.wait(order.timeout + _GRACE)
        return None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, where none is left
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _why(order: Order, what: Code | Pretrained, status: int | None, last_words: str) -> str:
    place = _place(what, last_words)
    if status is None or last_words.startswith("Timeout"):
        return (
            f"tracing `{order.target}` took longer than {order.timeout:g} s{f', it was at {place}' if place else ''}; "
            f'put long work under `if __name__ == "__main__":`, or allow more time with `--timeout`'
        )
    at = f" at {place}" if place else ""
    name = signal.Signals(-status).name if status < 0 else ""
    if name == "SIGKILL":
        return f"`{order.target}` was killed{at}, most likely for want of memory; {ADVICE_ON_MEMORY}"
    if name:
        return f"`{order.target}` crashed python ({name}){at}; `--debug` shows the traceback"
    return (
        f"`{order.target}` ended python with status {status}{at}; "
        'put what runs as a script under `if __name__ == "__main__":`'
    )


def _place(what: Code | Pretrained, last_words: str) -> str:
    """The innermost line of the user's in what `faulthandler` wrote; nothing if there is none."""
    main = what.path if isinstance(what, Code) else None
    project = Project.around(main)
    threads = _THREAD.split(last_words)
    crashed = next((thread for thread in threads if thread.startswith("Current")), threads[-1])  # else the main thread
    frames = ((file, int(line)) for file, line in _FRAME.findall(crashed))
    return next((place_name(file, line, main) for file, line in frames if project.owns(file)), "")
