"""How the server starts, and what it loads."""

import asyncio
import json
import subprocess
import sys

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from tests.server.editor import editor
from tests.server.model import project

NAME = "cfg.prune.yaml"


def test_without_its_packages_one_sentence_says_what_to_install(tmp_path, pruneconf):
    (tmp_path / "pygls").mkdir()
    (tmp_path / "pygls" / "__init__.py").write_text("raise ModuleNotFoundError('no pygls', name='pygls')\n")
    done = pruneconf("server", PYTHONPATH=f"{tmp_path}:{':'.join(sys.path)}")
    said = "pruneconf: the language server needs pygls: run `pip install 'pruneconf[server]'`\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_it_loads_no_torch():
    code = (
        "import sys\n"
        "import pruneconf.server.server\n"
        "from pruneconf.rules.registry import all_rules; all_rules()\n"
        "print([name for name in ('torch', 'numpy', 'safetensors', 'rich') if name in sys.modules])\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


def test_what_is_printed_is_no_message(tmp_path):
    async def session():
        async with editor(tmp_path) as at:
            await at.open("other.yaml", "key: value\n")
        return at.client._server.returncode

    assert asyncio.run(session()) == 0


def test_only_configs_are_checked(tmp_path):
    texts = {
        "block.yaml": ("- op_types: [Conv2d]\n", True),
        "flow.yaml": ("- {op_names: [a]}\n", True),
        "list.json": ('[{"exclude": true}]', True),
        "workflow.yaml": ("jobs:\n  - run: op_types\n", False),
        "a.prune.yaml": ("", True),
        "pruneconf.yml": ("", True),
    }

    async def session():
        async with editor(tmp_path) as at:
            return {name: (text, bool(await at.open(name, text))) for name, (text, _) in texts.items()}

    assert asyncio.run(session()) == texts


def test_only_the_newest_version_is_answered_for(tmp_path):
    project(tmp_path)
    lines = ["- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n"] * 500

    async def session():
        async with editor(tmp_path, debounce=20) as at:
            await at.open(NAME, "".join(lines))
            versions = []
            for i in range(30):
                at.change(NAME, "".join(lines) + f"# {i}\n")
                await asyncio.sleep(0.001)
                versions.append(at.client.published[at.uri(NAME)][0])
            await at.found(NAME)
            return versions, at.versions[NAME]

    versions, newest = asyncio.run(session())
    assert len(set(versions)) < 10  # the writer did not pause
    assert versions == sorted(versions)
    assert newest == 31


def test_a_request_can_be_cancelled(tmp_path):
    project(tmp_path)
    text = "- op_types: [Conv2d]\n  sparsity_per_layer: 0.5\n" * 2000

    async def session():
        async with editor(tmp_path, debounce=60_000) as at:
            await at.open(NAME, "")
            at.change(NAME, text)
            params = lsp.InlayHintParams(at.document(NAME), at.whole(NAME))
            asked = at.client.protocol.send_request(lsp.TEXT_DOCUMENT_INLAY_HINT, params, msg_id="hints")
            at.client.cancel_request(lsp.CancelParams("hints"))
            with pytest.raises(JsonRpcException) as raised:
                await asyncio.wrap_future(asked)
            return raised.value.code

    assert asyncio.run(session()) == lsp.LSPErrorCodes.RequestCancelled


def test_json_configs_complete_as_json(tmp_path):
    project(tmp_path)

    async def session():
        async with editor(tmp_path) as at:
            await at.open("cfg.prune.json", '[{"op_names": [""]}]')
            names = [item.text_edit.new_text for item in await at.complete("cfg.prune.json", '["|"]')]
            at.change("cfg.prune.json", '[{"op_names": ["fc"], }]')
            keys = [item.text_edit.new_text for item in await at.complete("cfg.prune.json", ", |}")]
            at.change("cfg.prune.json", "[]")
            whole = [item.text_edit.new_text for item in await at.complete("cfg.prune.json", "[|]")]
            return names, keys, whole

    names, keys, whole = asyncio.run(session())
    assert '"layer1.0.conv1"' in names
    assert '"exclude": true' in keys
    assert json.loads(whole[0]) == {"op_types": ["Conv2d"], "sparsity_per_layer": 0.5}
