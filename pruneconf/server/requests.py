"""What an editor asks, and which part of the server answers."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types as lsp
from pygls.uris import from_fs_path

from pruneconf.server.actions import FIX_ALL, fix_all, quick_fixes
from pruneconf.server.analysis import Analysis
from pruneconf.server.complete import Place, complete
from pruneconf.server.cursor import Cursor, Slot
from pruneconf.server.hints import inlay_hints, lenses
from pruneconf.server.places import definition
from pruneconf.server.protocol import plain
from pruneconf.server.references import references
from pruneconf.server.server import Server, server, wants_trace
from pruneconf.server.session import Open
from pruneconf.server.words import markup, of_keys, of_layer, of_sub_config, shares


def _here(ls: Server, uri: str, position: lsp.Position) -> tuple[Open | None, int, Cursor | None]:
    """The text, the offset of a position in it, and what is written there."""
    text = ls.session.texts.get(uri)
    if text is None or not ls.session.claims(text):
        return None, 0, None
    offset = text.positions.offset(position)
    return text, offset, text.cursor(offset)


async def _analysed(ls: Server, uri: str) -> tuple[Open | None, Analysis | None]:
    """The text, and what is known of it once it is examined."""
    text = ls.session.texts.get(uri)
    return text, await ls.session.analysis(text) if text else None


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
    data = plain(item.data)
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
    text, analysis = await _analysed(ls, params.text_document.uri)
    if text is None or analysis is None:
        return None
    start, end = text.positions.offset(params.range.start), text.positions.offset(params.range.end)
    return list(inlay_hints(analysis, text.positions, start, end))


@server.feature(lsp.TEXT_DOCUMENT_CODE_LENS)
async def code_lens(ls: Server, params: lsp.CodeLensParams) -> list[lsp.CodeLens] | None:
    """The plan, and tracing."""
    text, analysis = await _analysed(ls, params.text_document.uri)
    if text is None or analysis is None:
        return None
    model = ls.session.model(text)
    wanted = model and ls.session.options.may_trace and wants_trace(ls.session, text, model)
    return lenses(text.uri, plan=analysis.plan is not None, trace=model.name if model and wanted else None)


@server.feature(
    lsp.TEXT_DOCUMENT_CODE_ACTION,
    lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix, FIX_ALL]),
)
async def code_action(ls: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction] | None:
    """The fixes of what is found here; all safe ones where the editor asks for that."""
    text, analysis = await _analysed(ls, params.text_document.uri)
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
