"""The language server: which request of an editor is answered by what."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path

from pruneconf.errors import PruneconfError
from pruneconf.server.actions import FIX_ALL, fix_all, quick_fixes
from pruneconf.server.complete import Place, complete
from pruneconf.server.cursor import Cursor, Slot
from pruneconf.server.diagnostics import diagnostics, remark
from pruneconf.server.hints import SHOW_PLAN, TRACE, inlay_hints, lenses, plan_text
from pruneconf.server.models import Model
from pruneconf.server.options import Options, options_of
from pruneconf.server.places import definition
from pruneconf.server.protocol import Protocol
from pruneconf.server.references import references
from pruneconf.server.schemas import associations
from pruneconf.server.session import Open, Session
from pruneconf.server.trace import trace
from pruneconf.server.words import markup, of_keys, of_layer, of_sub_config, shares
from pruneconf.settings import FILE
from pruneconf.version import __version__

_WATCHED = ("**/*.graph.json", f"**/{FILE}", "**/*.py")
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
        if model is None or not options.may_trace or not _wants_trace(self.session, text, model):
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


server = Server()


def _wants_trace(session: Session, text: Open, model: Model) -> bool:
    """Whether there is code to get a graph from, and no graph or an old one."""
    known = session.known(text)
    return model.is_code and session.claims(text) and (known is None or bool(known.graph.changed))


@server.feature(lsp.INITIALIZE)
def initialize(ls: Server, params: lsp.InitializeParams) -> None:
    """Take in the options of the user."""
    given = params.initialization_options
    unit = ls.workspace.position_encoding or "utf-16"
    ls.session = Session(Options(trace="never"), ls.say, getattr(unit, "value", unit))
    try:
        ls.session.options = options_of(_plain(given))
    except PruneconfError as error:
        ls.session.say_once(str(error))


@server.feature(lsp.INITIALIZED)
async def initialized(ls: Server, _: lsp.InitializedParams) -> None:
    """Ask the editor to watch files, and which schemas it has."""
    workspace = ls.client_capabilities.workspace
    if workspace is None:
        return
    watching = workspace.did_change_watched_files
    if watching and watching.dynamic_registration:
        watchers = [lsp.FileSystemWatcher(pattern) for pattern in _WATCHED]
        options = lsp.DidChangeWatchedFilesRegistrationOptions(watchers)
        wish = lsp.Registration("watch", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        await ls.client_register_capability_async(lsp.RegistrationParams([wish]))
    if workspace.configuration:
        wanted = [lsp.ConfigurationItem(section=section) for section in ("yaml.schemas", "json.schemas")]
        given = await ls.workspace_configuration_async(lsp.ConfigurationParams(wanted))
        ls.session.associations = associations(*map(_plain, given)) if len(given) == len(wanted) else {}
        ls.look_again()


def _plain(value: Any) -> Any:
    """What a client sent, without the classes that pygls makes of objects."""
    if hasattr(value, "_asdict"):
        return {key: _plain(inner) for key, inner in value._asdict().items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


@server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
def did_open(ls: Server, params: lsp.DidOpenTextDocumentParams) -> None:
    """Check a text at once."""
    text = ls.session.open(params)
    ls.publish_soon(text, 0)
    ls.later(ls.offer_trace(text))


@server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
def did_change(ls: Server, params: lsp.DidChangeTextDocumentParams) -> None:
    """Check a text once its writer pauses."""
    text = ls.session.change(params)
    if text:
        ls.publish_soon(text, ls.session.options.debounce)


@server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
def did_close(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    """Take back what was said about a text."""
    uri = params.text_document.uri
    ls.session.close(uri)
    ls.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))


@server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
@server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
def files_changed(ls: Server, _: lsp.DidChangeWatchedFilesParams | lsp.DidSaveTextDocumentParams) -> None:
    """Look at all again: a graph, the settings or a source may be another now."""
    ls.look_again()
    if ls.session.options.trace == "auto":
        for text in ls.session.texts.values():
            ls.later(ls.offer_trace(text))


def _here(ls: Server, uri: str, position: lsp.Position) -> tuple[Open | None, int, Cursor | None]:
    """The text, the offset of a position in it, and what is written there."""
    text = ls.session.texts.get(uri)
    if text is None or not ls.session.claims(text):
        return None, 0, None
    offset = text.positions.offset(position)
    return text, offset, text.cursor(offset)


@server.feature(
    lsp.TEXT_DOCUMENT_COMPLETION,
    lsp.CompletionOptions(trigger_characters=["[", ",", " ", ".", "-", '"', "'"], resolve_provider=True),
)
def completion(ls: Server, params: lsp.CompletionParams) -> lsp.CompletionList | None:
    """What may stand here."""
    text, offset, cursor = _here(ls, params.text_document.uri, params.position)
    if text is None or cursor is None:
        return None
    attached = ls.session.attached(text)
    known, document = ls.session.known(text), text.document
    able = _completion_items(ls)
    snippets = bool(able and able.snippet_support)
    return complete(Place(cursor, document, text.positions, offset, known, text.uri, snippets, _formats(ls), *attached))


def _completion_items(ls: Server) -> lsp.ClientCompletionItemOptions | None:
    """What the editor takes in completion."""
    texts = ls.client_capabilities.text_document
    return texts.completion.completion_item if texts and texts.completion else None


def _formats(ls: Server) -> Sequence[lsp.MarkupKind] | None:
    able = _completion_items(ls)
    return able.documentation_format if able else None


@server.feature(lsp.COMPLETION_ITEM_RESOLVE)
def resolve_completion(ls: Server, item: lsp.CompletionItem) -> lsp.CompletionItem:
    """What there is to say about a layer that is offered."""
    data = _plain(item.data)
    text = ls.session.texts.get(data["uri"]) if isinstance(data, dict) and "uri" in data else None
    known = ls.session.known(text) if text else None
    layer = known.graph.by_name.get(data.get("layer")) if known else None
    if text and known and layer:
        plan = text.analysis.plan if text.analysis else None
        item.documentation = markup(of_layer(layer, known.graph, plan), _formats(ls))
    return item


@server.feature(lsp.TEXT_DOCUMENT_HOVER)
async def hover(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    """What a layer is, what a key means and what its sub-config comes to."""
    text, _, _ = _here(ls, params.text_document.uri, params.position)
    analysis = await ls.session.analysis(text) if text else None
    text, offset, cursor = _here(ls, params.text_document.uri, params.position)
    if text is None or analysis is None or cursor is None or cursor.start == cursor.end:
        return None
    word = _word(text, cursor)
    known = ls.session.known(text)
    said = None
    if cursor.slot is Slot.KEY:
        said = of_keys().get(word)
        index = analysis.sub_config_at(offset)
        if said is not None and analysis.plan and index is not None:
            said += f"\n\n---\n\n{of_sub_config(*shares(analysis.plan, [index]))}"
    elif known and cursor.key == "op_names" and word in known.graph.by_name:
        said = of_layer(known.graph.by_name[word], known.graph, analysis.plan)
    elif known and cursor.key == "op_types" and word in known.graph.types:
        said = f"**{word}**: {known.graph.types[word]:,} layers of the model"
    elif known and cursor.key == "op_partial_names":
        said = f"**{word}** stands in {known.selection.of_partial_name(word).bit_count():,} names of layers"
    if not said:
        return None
    texts = ls.client_capabilities.text_document
    formats = texts.hover.content_format if texts and texts.hover else None
    return lsp.Hover(markup(said, formats), text.positions.range(cursor.start, cursor.end))


def _word(text: Open, cursor: Cursor) -> str:
    """The key or item at the cursor, without quotes."""
    return text.text[cursor.start : cursor.end].strip("\"'")


@server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
def go_to_definition(ls: Server, params: lsp.DefinitionParams) -> lsp.Location | None:
    """Where the code of the model makes a layer."""
    text, _, cursor = _here(ls, params.text_document.uri, params.position)
    known = ls.session.known(text) if text else None
    if text is None or cursor is None or cursor.key not in {"op_names", "op_partial_names"} or known is None:
        return None
    place = definition(known.graph, known.path, _word(text, cursor).strip("."))
    uri = from_fs_path(place.file) if place else None
    if place is None or uri is None:
        return None
    start, end = lsp.Position(place.line, place.start), lsp.Position(place.line, place.end)
    return lsp.Location(uri, lsp.Range(start, end))


@server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
async def find_references(ls: Server, params: lsp.ReferenceParams) -> list[lsp.Location] | None:
    """The entries that select a layer, in all sub-configs."""
    text, _, cursor = _here(ls, params.text_document.uri, params.position)
    analysis = await ls.session.analysis(text) if text else None
    known = ls.session.known(text) if text else None
    if text is None or analysis is None or cursor is None or cursor.key != "op_names" or known is None:
        return None
    layer = known.graph.by_name.get(_word(text, cursor))
    spans = references(analysis, known, layer) if layer else ()
    return [lsp.Location(text.uri, text.positions.range(*span)) for span in spans]


@server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
async def inlay_hint(ls: Server, params: lsp.InlayHintParams) -> list[lsp.InlayHint] | None:
    """What each sub-config comes to."""
    text = ls.session.texts.get(params.text_document.uri)
    analysis = await ls.session.analysis(text) if text else None
    if text is None or analysis is None:
        return None
    start, end = text.positions.offset(params.range.start), text.positions.offset(params.range.end)
    return list(inlay_hints(analysis, text.positions, start, end))


@server.feature(lsp.TEXT_DOCUMENT_CODE_LENS)
async def code_lens(ls: Server, params: lsp.CodeLensParams) -> list[lsp.CodeLens] | None:
    """The plan, and tracing."""
    text = ls.session.texts.get(params.text_document.uri)
    analysis = await ls.session.analysis(text) if text else None
    if text is None or analysis is None:
        return None
    model = ls.session.model(text)
    wanted = model and ls.session.options.may_trace and _wants_trace(ls.session, text, model)
    return lenses(text.uri, plan=analysis.plan is not None, trace=model.name if model and wanted else None)


@server.feature(
    lsp.TEXT_DOCUMENT_CODE_ACTION,
    lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix, FIX_ALL]),
)
async def code_action(ls: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction] | None:
    """The fixes of what is found here; all safe ones where the editor asks for that."""
    text = ls.session.texts.get(params.text_document.uri)
    analysis = await ls.session.analysis(text) if text else None
    if text is None or analysis is None or text.examiner is None:
        return None
    positions = text.positions
    start, end = positions.offset(params.range.start), positions.offset(params.range.end)
    version = text.version if _versions_edits(ls.client_capabilities) else None
    only = params.context.only
    found: list[lsp.CodeAction] = []
    if not only or any(_covers(kind, lsp.CodeActionKind.QuickFix) for kind in only):
        found += quick_fixes(analysis.findings, text.uri, version, positions, start, end)
    if only and any(_covers(kind, FIX_ALL) for kind in only):
        examiner = text.examiner
        action = await ls.session.in_background(fix_all, analysis, examiner, text.uri, version, positions)
        if action and text.analysis is analysis:
            found.append(action)
    return found


def _covers(wanted: str, kind: str) -> bool:
    return kind == wanted or kind.startswith(f"{wanted}.")


def _versions_edits(capabilities: lsp.ClientCapabilities) -> bool:
    """Whether edits may say which version they are for."""
    edit = capabilities.workspace.workspace_edit if capabilities.workspace else None
    return bool(edit and edit.document_changes)


@server.command(SHOW_PLAN)
async def show_plan(ls: Server, uri: str) -> str | None:
    """The plan of a config as a table; opened beside it where the editor can do that."""
    text = ls.session.texts.get(uri)
    analysis = await ls.session.analysis(text) if text else None
    if analysis is None or analysis.plan is None:
        ls.say("there is no plan: the config has errors, or its model is not known")
        return None
    table = plan_text(analysis.plan)
    window = ls.client_capabilities.window
    if window and window.show_document and window.show_document.support:
        path = Path(gettempdir(), f"{Path(uri).name}.plan.txt")
        await asyncio.to_thread(path.write_text, table, encoding="utf-8")
        await ls.window_show_document_async(lsp.ShowDocumentParams(path.as_uri(), take_focus=True))
    return table


@server.command(TRACE)
async def trace_model(ls: Server, uri: str) -> None:
    """Trace the model of a config: the user has asked for it."""
    text = ls.session.texts.get(uri)
    model = ls.session.model(text) if text else None
    if not ls.session.options.may_trace:
        ls.say("the code of models is not run here: the workspace is not trusted, or the option `trace` is `never`")
    elif model and model.is_code:
        await ls.run_trace(model)
    else:
        ls.say(f"there is no code to trace: name the model in `{FILE}`, as `model` under `[tool.pruneconf]`")
