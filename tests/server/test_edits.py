"""A config that is edited at random, sound and broken: the server lives, and ends with what the command line says."""

import asyncio
import json
import os
import random

import pytest
from lsprotocol import types as lsp

from pruneconf.server.positions import Positions
from tests.server.editor import editor
from tests.server.model import project

EDITS = int(os.environ.get("PRUNECONF_EDITS", "200"))
PIECES = (
    "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n",
    "- op_names:\n    - conv1\n    - layer1.0.conv1\n  exclude: true\n",
    "- op_names: [",
    "conv1, ",
    "layr1.0.conv1",
    "]\n",
    "  total_sparsity: 0.8\n",
    "  sparsity: 80\n",
    "  op_partial_names: [layer1.]\n",
    "# pruneconf: ignore[PC302]\n",
    "😀",
    "é",
    '"',
    "'",
    "\t",
    "\r\n",
    "\u2028",
    "{",
    "}: ",
    "&a ",
    "*a",
    "  ",
    ":",
    "-",
)
ASKED = (
    ("text_document_completion_async", lsp.CompletionParams),
    ("text_document_hover_async", lsp.HoverParams),
    ("text_document_definition_async", lsp.DefinitionParams),
)


def edit(rng, text):
    """A random edit: pieces go in, stretches go out; now and then the text becomes sound again."""
    if rng.random() < 0.03:
        return 0, len(text), "".join(rng.choices(PIECES[:2], k=3))
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + rng.choice((0, 0, 0, 1, 2, 10, 40)))
    if "\r\n" in (text[start - 1 : start + 1], text[end - 1 : end + 1]):
        return edit(rng, text)
    return start, end, rng.choice((*PIECES, "", ""))


def offered(finding):
    """A finding of `lint --format json` as the editor gets it."""
    message = f"{finding['message']}\n{finding['help']}" if finding["help"] else finding["message"]
    severity = {"error": 1, "warning": 2, "info": 3}[finding["severity"]]
    places = [(finding[side]["line"], finding[side]["column"]) for side in ("start", "end")]
    return finding["code"], message, severity, places


def published(diagnostic, text):
    positions = Positions(text)
    places = []
    for position in (diagnostic.range.start, diagnostic.range.end):
        offset = positions.offset(position)
        at = Positions(text, "utf-32").position(offset)
        places.append((at.line + 1, at.character + 1))
    return diagnostic.code, diagnostic.message, int(diagnostic.severity), places


async def edited(folder, rng, count):
    """The text after so many edits, and what the server found in it then."""
    async with editor(folder) as at:
        name, text = "cfg.prune.yaml", PIECES[0]
        await at.open(name, text)
        waiting = []
        for i in range(count):
            start, end, new = edit(rng, text)
            change = lsp.TextDocumentContentChangePartial(Positions(text).range(start, end), new)
            text = text[:start] + new + text[end:]
            at.change(name, text, change)
            if rng.random() < 0.2:
                method, params = rng.choice(ASKED)
                where = Positions(text).position(rng.randrange(len(text) + 1))
                asked = getattr(at.client, method)(params(at.document(name), where))
                waiting.append(asyncio.ensure_future(asked))
            if i % 50 == 0:
                await at.found(name)
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)
        found = await at.found(name)
        assert not [message for message in at.client.messages if "bug" in message.message]
        return text, found


@pytest.mark.parametrize("seed", range(3))
def test_random_edits_end_as_the_command_line_does(seed, tmp_path, pruneconf):
    project(tmp_path, traced=True)
    text, found = asyncio.run(edited(tmp_path, random.Random(seed), EDITS))
    (tmp_path / "cfg.prune.yaml").write_bytes(text.encode())
    # the command line would trace model.py: it is given the same graph
    done = pruneconf("lint", "model.graph.json", "cfg.prune.yaml", "--format", "json")
    findings = json.loads(done.stdout)["findings"]
    assert [published(one, text) for one in found] == [offered(one) for one in findings]
