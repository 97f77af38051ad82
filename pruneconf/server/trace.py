"""Getting the graph of a model: its code runs in a process of its own, by the user's Python, where that is wanted."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from pruneconf.server.models import CACHE, Model
from pruneconf.server.options import Options


def interpreter(options: Options) -> str:
    """The Python that has the user's packages: the one that is set, that of the active environment, or this one."""
    if options.python:
        return options.python
    environment = os.environ.get("VIRTUAL_ENV", "")
    for python in (Path(environment, "bin", "python"), Path(environment, "Scripts", "python.exe")):
        if environment and python.is_file():
            return str(python)
    return sys.executable


async def trace(server: LanguageServer, model: Model, options: Options) -> str | None:
    """Write the graph file of a model, and show that this goes on; returns what went wrong, None for nothing."""
    title = f"tracing {model.name}"
    async with _Progress(server, title) as progress:
        return await _run(model, interpreter(options), progress)


async def _run(model: Model, python: str, progress: _Progress) -> str | None:
    output = Path(model.written_to)
    if output.parent.name == CACHE:
        await asyncio.to_thread(_make_cache, output.parent)
    command = (python, "-m", "pruneconf", "trace", model.target, "-o", str(output))
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=model.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        return f"cannot run `{python}`: {(error.strerror or str(error)).lower()}; set the option `python` of the server"
    progress.when_cancelled(process.terminate)
    try:
        _, told = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    if process.returncode == 0:
        return None
    if progress.is_cancelled:
        return f"tracing `{model.name}` was cancelled"
    lines = told.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return f"`{model.name}` could not be traced: {lines[-1].removeprefix('pruneconf: ')}"


def _make_cache(folder: Path) -> None:
    """A folder that no repository takes in."""
    folder.mkdir(exist_ok=True)
    Path(folder, ".gitignore").write_text("*\n", encoding="utf-8")


class _Progress:
    """Work that the editor shows, where it can; the user may cancel it."""

    def __init__(self, server: LanguageServer, title: str) -> None:
        self._server = server
        self._title = title
        self._token = f"pruneconf-{uuid4()}"
        self._kill: Callable[[], None] | None = None
        window = server.client_capabilities.window
        self._shown = bool(window and window.work_done_progress)

    async def __aenter__(self) -> Self:
        if self._shown:
            progress = self._server.work_done_progress
            await progress.create_async(self._token)
            progress.begin(self._token, lsp.WorkDoneProgressBegin(self._title, cancellable=True))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._shown:
            self._server.work_done_progress.end(self._token, lsp.WorkDoneProgressEnd())

    @property
    def is_cancelled(self) -> bool:
        """Whether the user wants no more of it."""
        return self._shown and self._server.work_done_progress.tokens[self._token].cancelled()

    def when_cancelled(self, end: Callable[[], None]) -> None:
        """What ends the work."""
        loop = asyncio.get_running_loop()

        def ended(_: object) -> None:
            if self.is_cancelled:
                with suppress(ProcessLookupError, RuntimeError):
                    loop.call_soon_threadsafe(end)

        if self._shown:
            self._server.work_done_progress.tokens[self._token].add_done_callback(ended)
