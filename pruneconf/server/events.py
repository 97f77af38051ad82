"""What happens in an editor: it starts, opens texts, changes them, and its user runs a command."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import gettempdir

from lsprotocol import types as lsp

from pruneconf.errors import PruneconfError
from pruneconf.server.hints import SHOW_PLAN, TRACE, plan_text
from pruneconf.server.options import Options, options_of
from pruneconf.server.protocol import plain
from pruneconf.server.schemas import associations
from pruneconf.server.server import Server, server
from pruneconf.server.session import Session
from pruneconf.settings import FILE

_WATCHED = ("**/*.graph.json", f"**/{FILE}", "**/*.py")


@server.feature(lsp.INITIALIZE)
def initialize(ls: Server, params: lsp.InitializeParams) -> None:
    """Take in the options of the user."""
    given = params.initialization_options
    unit = ls.workspace.position_encoding or "utf-16"
    ls.session = Session(Options(trace="never"), ls.say, getattr(unit, "value", unit))
    try:
        ls.session.options = options_of(plain(given))
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
        ls.session.associations = associations(*map(plain, given)) if len(given) == len(wanted) else {}
        ls.look_again()


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
