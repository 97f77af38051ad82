"""The configs that are open in an editor, and what is known of them now."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from lsprotocol import types as lsp
from pygls.uris import to_fs_path

from pruneconf.config.keys import TELLING
from pruneconf.document import Document, parse
from pruneconf.document.document import is_json
from pruneconf.errors import PruneconfError, bug_report
from pruneconf.server.analysis import Analysis, Examiner
from pruneconf.server.cursor import Cursor, cursor_at
from pruneconf.server.models import Known, Model, Models
from pruneconf.server.options import Options
from pruneconf.server.positions import Positions, changed
from pruneconf.server.schemas import Attached, attached
from pruneconf.settings import Settings, settings_of

_TELLING = re.compile(rf"^[\s\-{{\[\"',]*(?:{'|'.join(sorted(TELLING))})[\"']?[ \t]*:", re.MULTILINE)

Say = Callable[[str], None]
P = ParamSpec("P")
T = TypeVar("T")


class Open:
    """A text that is open: its version, and what was found in that version, once that is known."""

    def __init__(self, uri: str, version: int, text: str, unit: str) -> None:
        self.uri = uri
        self.file = os.path.abspath(to_fs_path(uri) or uri.rpartition(":")[2])
        self.unit = unit
        self.examiner: Examiner | None = None
        self.timer: asyncio.Task[None] | None = None
        self.running: asyncio.Future[None] | None = None
        self.is_open = True
        self.failed: Document | None = None
        self.take(version, text)

    def take(self, version: int, text: str) -> None:
        """Go on to another version."""
        self.version = version
        self.text = text
        self.positions = Positions(text, self.unit)
        self.document = parse(text, self.name)
        self.analysis: Analysis | None = None

    @property
    def name(self) -> str:
        """What messages call it: its path from the current directory, where it is below that."""
        relative = os.path.relpath(self.file)
        return self.file if relative.startswith(os.pardir) else relative

    @property
    def folder(self) -> str:
        """The folder in which it is."""
        return os.path.dirname(self.file)

    def cursor(self, offset: int) -> Cursor | None:
        """What is being written at an offset."""
        return cursor_at(self.text, offset, is_json=is_json(self.file))


class Session:
    """What an editor has open, with the models of all that."""

    def __init__(self, options: Options, say: Say, unit: str = "utf-16") -> None:
        self.options = options
        self.unit = unit
        self.associations: dict[str, list[str]] = {}
        self.texts: dict[str, Open] = {}
        self.models = Models()
        self._say = say
        self._said: set[str] = set()
        self._worker = ThreadPoolExecutor(1)

    async def in_background(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The outcome of work that takes long, done one after the other while requests are answered."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, partial(work, *args, **kwargs))

    def say_once(self, message: str) -> None:
        """Show a message to the user, the same never again."""
        if message not in self._said:
            self._said.add(message)
            self._say(message)

    def open(self, params: lsp.DidOpenTextDocumentParams) -> Open:
        """Take in a text."""
        given = params.text_document
        self.texts[given.uri] = Open(given.uri, given.version, given.text, self.unit)
        return self.texts[given.uri]

    def change(self, params: lsp.DidChangeTextDocumentParams) -> Open | None:
        """Take in a new version of a text; None for one that is not open."""
        text = self.texts.get(params.text_document.uri)
        if text:
            text.take(params.text_document.version, changed(text.text, params.content_changes, self.unit))
        return text

    def close(self, uri: str) -> None:
        """Let go of a text."""
        text = self.texts.pop(uri, None)
        if text:
            text.is_open = False
            if text.timer:
                text.timer.cancel()

    def settings(self, text: Open) -> Settings:
        """The settings of the project of a text; where they are wrong, the user is told and none are taken."""
        try:
            return settings_of(text.folder)
        except PruneconfError as error:
            self.say_once(str(error))
            return Settings(os.path.relpath(text.folder))

    def model(self, text: Open) -> Model | None:
        """The model of a config."""
        return self.models.of(text.file, self.settings(text), self.options.model)

    def known(self, text: Open) -> Known | None:
        """The graph of the model of a config, the last good one."""
        model = self.model(text)
        known = model.current() if model else None
        if model and model.problem:
            self.say_once(model.problem)
        return known

    def claims(self, text: Open) -> bool:
        """Whether a text is a config: by its name, or by a key that only configs have."""
        return self.settings(text).names(text.file) or bool(_TELLING.search(text.text))

    def attached(self, text: Open) -> Attached:
        """The schema that another server has for a config."""
        if self.options.schema_features == "on":
            return Attached()
        known = self.known(text)
        found = attached(text.text, text.file, self.associations, known.graph if known else None)
        return Attached(schema=True, names=found.names) if self.options.schema_features == "off" else found

    async def analysis(self, text: Open) -> Analysis | None:
        """What is found in the newest version of a config; None for what is none, or is closed meanwhile."""
        while text.is_open and text.failed is not text.document and self.claims(text):
            if text.analysis:
                return text.analysis
            if text.running is None:
                text.running = asyncio.ensure_future(self._analyse(text))
            await asyncio.shield(text.running)
        return None

    async def _analyse(self, text: Open) -> None:
        """Examine the version that is there now; what is found counts only if it is still there then."""
        document = text.document
        try:
            examiner = Examiner(self.settings(text), self.known(text))
            analysis = await self.in_background(examiner.analyse, document)
        except Exception as error:  # noqa: BLE001 - whatever it is, the editor goes on and its user is told
            text.failed = document
            self.say_once(str(error) if isinstance(error, PruneconfError) else bug_report(error))
            return
        finally:
            text.running = None
        if text.document is document:
            text.examiner, text.analysis = examiner, analysis

    def refresh(self) -> Iterator[Open]:
        """Forget what was found: settings or graphs have changed."""
        settings_of.cache_clear()
        for text in self.texts.values():
            text.take(text.version, text.text)
            yield text
