"""An editor at the other end of the server: pytest-lsp's client, with the capabilities of a real one."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from lsprotocol import types as lsp
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

CLIENTS = ("visual_studio_code", "neovim", "emacs")
COMMAND = [sys.executable, "-m", "pruneconf", "server"]


class Editor:
    """Texts that are open in a server, by the names of their files; `place` marks `|` as the cursor."""

    def __init__(self, client, folder):
        self.client = client
        self.folder = folder
        self.versions = {}
        self.texts = {}

    def uri(self, name):
        return (self.folder / name).as_uri()

    async def open(self, name, text):
        """Open a text, and wait for what is found in it."""
        self.versions[name], self.texts[name] = 1, text
        item = lsp.TextDocumentItem(self.uri(name), "yaml", 1, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return await self.found(name)

    def change(self, name, text, *changes):
        """Give a text another content: as a whole, or by changes that come to it."""
        self.versions[name] += 1
        self.texts[name] = text
        document = lsp.VersionedTextDocumentIdentifier(self.versions[name], self.uri(name))
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, list(changes) or [whole]))

    async def found(self, name):
        """What is found in the newest version of a text."""
        async with asyncio.timeout(60):
            while self.client.published.get(self.uri(name), (None,))[0] != self.versions[name]:
                await asyncio.sleep(0.005)
        return self.client.published[self.uri(name)][1]

    def at(self, name, marked):
        """The parameters of a request for the place that `|` marks in what stands in a text."""
        before, after = marked.split("|")
        offset = self.texts[name].index(before + after) + len(before)
        head = self.texts[name][:offset]
        line = head.count("\n")
        column = len(head.rpartition("\n")[2].encode("utf-16-le")) // 2
        return {"text_document": self.document(name), "position": lsp.Position(line, column)}

    def document(self, name):
        return lsp.TextDocumentIdentifier(self.uri(name))

    def whole(self, name):
        return lsp.Range(lsp.Position(0, 0), lsp.Position(self.texts[name].count("\n") + 1, 0))

    async def complete(self, name, marked):
        """What is offered at a place."""
        found = await self.client.text_document_completion_async(lsp.CompletionParams(**self.at(name, marked)))
        return found.items if found else []

    def edited(self, name, edits):
        """A text after edits, which must be for its newest version."""
        text = self.texts[name]
        lines = text.splitlines(keepends=True)

        def offset(position):
            line = "".join(lines[position.line : position.line + 1])
            return sum(map(len, lines[: position.line])) + len(
                line.encode("utf-16-le")[: 2 * position.character].decode("utf-16-le")
            )

        for edit in sorted(edits, key=lambda each: offset(each.range.start), reverse=True):
            text = text[: offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end) :]
        return text

    def edits(self, name, action):
        """The edits of an action on one text, in either form."""
        if action.edit.changes:
            return action.edit.changes[self.uri(name)]
        (change,) = action.edit.document_changes
        assert (change.text_document.uri, change.text_document.version) == (self.uri(name), self.versions[name])
        return change.edits


def _client():
    client = LanguageClient(converter_factory=default_converter)
    client.published, client.answer, client.asked = {}, None, []

    def publish(params: lsp.PublishDiagnosticsParams):
        before = client.published.get(params.uri, (0,))[0]
        if params.version is not None and before is not None:
            assert params.version >= before, "an old version was answered for"
        client.published[params.uri] = (params.version, params.diagnostics)

    def ask(params: lsp.ShowMessageRequestParams):
        client.asked.append(params.message)
        return next((action for action in params.actions or () if action.title == client.answer), None)

    def accept(_params):
        return None

    register_lsp_features(client, {m: f for m, f in DEFAULT_CLIENT_FEATURES.items() if "publish" not in m})
    client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(publish)
    client.feature(lsp.WINDOW_SHOW_MESSAGE_REQUEST)(ask)
    for method in (
        lsp.CLIENT_REGISTER_CAPABILITY,
        lsp.WORKSPACE_CODE_LENS_REFRESH,
        lsp.WORKSPACE_INLAY_HINT_REFRESH,
    ):
        client.feature(method)(accept)
    return client


@asynccontextmanager
async def editor(folder: Path, client: str = "visual_studio_code", configuration=None, answer=None, **options):
    """An editor that has a server; `options` are those of the server, `answer` what it says when it is asked."""
    connected = _client()
    await connected.start_io(*COMMAND, cwd=folder)
    connected.answer = answer
    connected.set_configuration(configuration or {})
    try:
        await connected.initialize_session(
            lsp.InitializeParams(
                capabilities=client_capabilities(client),
                root_uri=folder.as_uri(),
                initialization_options={"debounce": 0, **options},
            )
        )
        yield Editor(connected, folder)
        await connected.shutdown_session()
    finally:
        await connected.stop()
