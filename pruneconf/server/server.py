"""The language server itself: what it tells an editor unasked."""

from __future__ import annotations

import asyncio
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from pruneconf.server.diagnostics import diagnostics, remark
from pruneconf.server.models import Model
from pruneconf.server.protocol import Protocol
from pruneconf.server.session import Open, Session
from pruneconf.server.trace import trace
from pruneconf.version import __version__

_YES = "Trace"


class Server(LanguageServer):
    """One editor's server; `session` is what that editor has open."""

    session: Session

    def __init__(self) -> None:
        super().__init__("pruneconf", __version__, protocol_cls=Protocol)
        self.tracing: set[str] = set()
        self.asked: set[str] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def say(self, message: str, kind: lsp.MessageType = lsp.MessageType.Warning) -> None:
        """Show the user a message."""
        self.window_show_message(lsp.ShowMessageParams(kind, f"pruneconf: {message}"))

    def later(self, work: Any) -> None:
        """Start work that nobody waits for."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def publish_soon(self, text: Open, delay: float) -> None:
        """Publish what is found in a text once it has not changed for `delay` seconds."""
        if text.timer:
            text.timer.cancel()
        text.timer = asyncio.ensure_future(self._publish(text, delay))

    async def _publish(self, text: Open, delay: float) -> None:
        await asyncio.sleep(delay)
        analysis = await self.session.analysis(text)
        found: list[lsp.Diagnostic] = []
        if analysis:
            schema = self.session.attached(text)
            found = diagnostics(analysis.findings, text.uri, text.positions, lambda one: not schema.says(one))
            found[:0] = self._remarks(text)
        elif not text.is_open:
            return
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(text.uri, found, text.version))

    def _remarks(self, text: Open) -> list[lsp.Diagnostic]:
        """That the model of a config is not known."""
        model = self.session.model(text)
        if model is None or self.session.known(text):
            return []
        name = model.name
        if not model.is_code:
            return [remark(f"there is no graph file `{name}`: `pruneconf trace` writes one")]
        return [
            remark(f"`{name}` is not traced yet, so layers are not checked: trace it, or run `pruneconf trace {name}`")
        ]

    async def offer_trace(self, text: Open) -> None:
        """Trace the model of a config that was opened, where the user wants that without asking, or says so now."""
        model, options = self.session.model(text), self.session.options
        if model is None or not options.may_trace or not wants_trace(self.session, text, model):
            return
        if options.trace == "ask" and not await self._agreed(model):
            return
        await self.run_trace(model)

    async def _agreed(self, model: Model) -> bool:
        """Whether the user wants the code of a model to be run; asked once."""
        if model.target in self.asked:
            return False
        self.asked.add(model.target)
        question = f"pruneconf can read the layers of `{model.name}`, which runs its code: trace it?"
        actions = [lsp.MessageActionItem(_YES), lsp.MessageActionItem("Not now")]
        kind = lsp.MessageType.Info
        answer = await self.window_show_message_request_async(lsp.ShowMessageRequestParams(kind, question, actions))
        return answer is not None and answer.title == _YES

    async def run_trace(self, model: Model) -> None:
        """Trace a model, and look at all configs again."""
        if model.target in self.tracing:
            return
        self.tracing.add(model.target)
        try:
            wrong = await trace(self, model, self.session.options)
        finally:
            self.tracing.discard(model.target)
        if wrong:
            self.say(wrong)
        self.look_again()

    def look_again(self) -> None:
        """Examine all texts anew, after settings or graphs have changed."""
        for text in self.session.refresh():
            self.publish_soon(text, 0)
        workspace = self.client_capabilities.workspace
        if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)
        if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)


def wants_trace(session: Session, text: Open, model: Model) -> bool:
    """Whether there is code to get a graph from, and no graph or an old one."""
    known = session.known(text)
    return model.is_code and session.claims(text) and (known is None or bool(known.graph.changed))


server = Server()
