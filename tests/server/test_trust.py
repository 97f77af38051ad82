"""When the code of a model is run: never unasked, never where the workspace is not trusted."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from pruneconf.errors import PruneconfError
from pruneconf.server.options import options_of
from tests.server.editor import editor
from tests.server.model import project, trace

NAME = "cfg.prune.yaml"
CONFIG = "- op_names: [layr1.0.conv1]\n  sparsity_per_layer: 0.5\n"
YES = "Trace"


@pytest.fixture
def folder(tmp_path):
    """A project without a graph, and a Python in it that notes how it is called, and writes the graph."""
    project(tmp_path, traced=False)
    python = tmp_path / "python"
    python.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        "here = pathlib.Path(__file__).parent\n"
        "with open(here / 'called', 'a') as file:\n"
        "    print(*sys.argv[1:], file=file)\n"
        "if (here / 'fail').exists():\n"
        "    sys.exit('pruneconf: `model.py` has no model')\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from tests.server.model import trace\n"
        "trace(here)\n"
        "(here / 'model.graph.json').rename(sys.argv[-1])\n"
    )
    python.chmod(0o755)
    return tmp_path


def calls(folder):
    """How the Python of the project was called, without the folder."""
    file = folder / "called"
    return file.read_text().replace(str(folder), "FOLDER").splitlines() if file.exists() else []


async def settled(at, *, runs):
    """What is found once nothing more happens; `runs` says whether the model is traced before that."""
    while runs and not (at.client.messages or any(one.code for one in await at.found(NAME))):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    return [(one.code, one.message, int(one.severity)) for one in await at.found(NAME)]


async def opened(folder, answer=None, *, runs=True, **options):
    async with editor(folder, answer=answer, python=str(folder / "python"), **options) as at:
        await at.open(NAME, CONFIG)
        found = await settled(at, runs=runs)
        lenses = await at.client.text_document_code_lens_async(lsp.CodeLensParams(at.document(NAME)))
        progress = [[type(one).__name__ for one in reports] for reports in at.client.progress_reports.values()]
        return {
            "asked": at.client.asked,
            "found": found,
            "lenses": [lens.command.title for lens in lenses],
            "said": [message.message for message in at.client.messages],
            "progress": progress,
            "ran": calls(folder),
        }


@pytest.mark.parametrize(
    ("answer", "runs", "options"),
    [
        (YES, True, {}),
        (None, False, {}),
        (YES, False, {"trace": "never"}),
        (YES, True, {"trace": "auto"}),
        (YES, False, {"trace": "auto", "untrustedWorkspace": True}),
        (YES, False, {"untrustedWorkspace": True}),
    ],
    ids=["yes", "no", "never", "auto", "auto untrusted", "ask untrusted"],
)
def test_tracing(answer, runs, options, folder, snapshot):
    assert asyncio.run(opened(folder, answer, runs=runs, **options)) == snapshot


def test_a_failure_is_one_sentence(folder, snapshot):
    (folder / "fail").touch()
    assert asyncio.run(opened(folder, trace="auto")) == snapshot


def test_a_python_that_is_not_there(folder, snapshot):
    (folder / "python").unlink()
    said = asyncio.run(opened(folder, trace="auto"))["said"]
    assert [message.replace(str(folder), "FOLDER") for message in said] == snapshot


def test_the_command_runs_only_what_may_run(folder, snapshot):
    async def commanded(**options):
        async with editor(folder, python=str(folder / "python"), **options) as at:
            await at.open(NAME, CONFIG)
            await at.client.workspace_execute_command_async(lsp.ExecuteCommandParams("pruneconf.trace", [at.uri(NAME)]))
            return [message.message for message in at.client.messages], calls(folder)

    assert asyncio.run(commanded(trace="never")) == snapshot(name="never")
    assert asyncio.run(commanded()) == snapshot(name="asked for")


def test_a_stale_graph_says_so_once_and_nothing_false(tmp_path, snapshot):
    project(tmp_path)

    async def session():
        async with editor(tmp_path, trace="never") as at:
            before = await at.open(NAME, CONFIG)
            (tmp_path / "model.py").write_text((tmp_path / "model.py").read_text() + "# changed\n")
            at.change(NAME, CONFIG + "- sparsity: 0.5\n")
            stale = await at.found(NAME)
            at.change(NAME, CONFIG.replace("layr1", "layer1."))
            offered = [item.label for item in await at.complete(NAME, "[layer1.|.0.conv1]")]
            trace(tmp_path)
            at.change(NAME, CONFIG)
            after = await at.found(NAME)
            return [[(one.code, one.message) for one in found] for found in (before, stale, after)], offered

    assert asyncio.run(session()) == snapshot


def test_a_damaged_graph_keeps_the_last_good_one(tmp_path, snapshot):
    project(tmp_path)

    async def session():
        async with editor(tmp_path, trace="never") as at:
            await at.open(NAME, CONFIG)
            (tmp_path / "model.graph.json").write_text("{")
            at.change(NAME, CONFIG + "\n")
            found = await at.found(NAME)
            at.change(NAME, CONFIG)
            await at.found(NAME)
            return [one.code for one in found], [one.message for one in at.client.messages]

    found, said = asyncio.run(session())
    assert (found, [message.replace(str(tmp_path), "FOLDER") for message in said]) == snapshot


def test_what_is_wrong_with_the_settings_is_said_once(tmp_path, snapshot):
    project(tmp_path, 'modle = "model.py"')

    async def session():
        async with editor(tmp_path, trace="always") as at:
            await at.open(NAME, CONFIG)
            at.change(NAME, CONFIG + "\n")
            return [one.code for one in await at.found(NAME)], [one.message for one in at.client.messages]

    found, said = asyncio.run(session())
    assert (found, [message.replace(str(tmp_path), "FOLDER") for message in said]) == snapshot


@pytest.mark.parametrize(
    "given",
    [{"trace": "always"}, {"tracing": "auto"}, {"debounce": "long"}, {"untrustedWorkspace": 1}, {"model": 1}, []],
)
def test_wrong_options(given, snapshot):
    with pytest.raises(PruneconfError) as raised:
        options_of(given)
    assert str(raised.value) == snapshot


def test_the_model_is_really_traced(tmp_path):
    """By the Python that runs these tests, which has torch."""
    project(tmp_path, traced=False)

    async def found():
        async with editor(tmp_path, trace="auto", python=sys.executable) as at:
            await at.open(NAME, CONFIG)
            return await settled(at, runs=True)

    assert [code for code, _, _ in asyncio.run(found())] == ["PC201"]
    layers = json.loads((tmp_path / ".pruneconf_cache" / "model.graph.json").read_text())["layers"]
    assert [layer["name"] for layer in layers][:2] == ["conv1", "layer1.0.conv1"]
