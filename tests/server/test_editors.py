"""A session in three editors: all that the server answers, by what the editor says that it can do."""

import asyncio
import json

import cattrs
import pytest
from lsprotocol import converters
from lsprotocol import types as lsp

from tests.server.editor import CLIENTS, editor
from tests.server.model import project

CONFIG = """\
# é and 😀 before all else
- op_types: [Conv2d]
  sparsity: 0.5
- op_names: ["😀", layer1.0.conv9, conv1]  # 😀
  sparsity_per_layer: 80
"""
SOUND = """\
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
- op_names: [layer1.0.conv1, conv1]
  exclude: true
- op_partial_names: [layer1.1.]
  total_sparsity: 0.8
  max_sparsity_per_layer: 0.9
"""
CONVERTER: cattrs.Converter = converters.get_converter()


def plain(answer, folder):
    """An answer as it goes over the wire, without the folder."""
    data = CONVERTER.unstructure(answer)
    return json.loads(json.dumps(data).replace(folder.as_uri(), "file:///project"))


@pytest.mark.parametrize("client", CLIENTS)
def test_session(client, tmp_path, snapshot):
    answers = asyncio.run(session(client, project(tmp_path)))
    assert {name: plain(answer, tmp_path) for name, answer in answers.items()} == snapshot


async def session(client, folder):
    answers = {}
    async with editor(folder, client) as at:
        server, name = at.client, "cfg.prune.yaml"
        document = at.document(name)
        answers["diagnostics"] = await at.open(name, CONFIG)
        for kind in (None, [lsp.CodeActionKind.SourceFixAll]):
            context = lsp.CodeActionContext(answers["diagnostics"], only=kind)
            params = lsp.CodeActionParams(document, at.whole(name), context)
            actions = await server.text_document_code_action_async(params)
            answers[f"code actions {kind}"] = {
                action.title: at.edited(name, at.edits(name, action)) for action in actions
            }
        at.change(name, SOUND)
        answers["no diagnostics"] = await at.found(name)
        answers["hover over a layer"] = await server.text_document_hover_async(
            lsp.HoverParams(**at.at(name, "layer1.|0.conv1"))
        )
        answers["hover over a key"] = await server.text_document_hover_async(
            lsp.HoverParams(**at.at(name, "op_|types"))
        )
        answers["definition"] = await server.text_document_definition_async(
            lsp.DefinitionParams(**at.at(name, "layer1.|0.conv1"))
        )
        answers["references"] = await server.text_document_references_async(
            lsp.ReferenceParams(
                context=lsp.ReferenceContext(include_declaration=True), **at.at(name, "[layer1.0.conv|1")
            )
        )
        answers["inlay hints"] = await server.text_document_inlay_hint_async(
            lsp.InlayHintParams(document, at.whole(name))
        )
        answers["code lenses"] = await server.text_document_code_lens_async(lsp.CodeLensParams(document))
        command = answers["code lenses"][0].command
        answers["plan"] = await server.workspace_execute_command_async(
            lsp.ExecuteCommandParams(command.command, command.arguments)
        )
        at.change(name, "- op_names: [layer1.1.")
        items = await at.complete(name, "[layer1.1.|")
        answers["completion"] = items
        answers["resolved"] = await server.completion_item_resolve_async(items[0])
        at.change(name, "- op_names: [conv1]\n  ")
        answers["keys"] = [(item.label, item.text_edit.new_text) for item in await at.complete(name, "\n  |")]
        server.text_document_did_close(lsp.DidCloseTextDocumentParams(document))
    return answers
