"""Where another server has a schema for a config, this one says and offers only what that cannot."""

import asyncio
import json

import pytest

from pruneconf.server.schemas import associations, attached
from tests.server.editor import editor
from tests.server.model import graph, project

NAME = "cfg.prune.yaml"
CONFIG = "- op_names: [layr1.0.conv1]\n  sparsty: 0.5\n- op_types: [Conv2d]\n  sparsity: 0.5\n"
WHOLE = "pruneconf.schema.json"
OF_MODEL = "my model.json"


def schemas(folder):
    """The general schema, and one that knows the names of the layers."""
    (folder / WHOLE).write_text("{}")
    (folder / OF_MODEL).write_text(json.dumps({"enum": [layer.name for layer in graph().layers]}))


async def session(folder, head="", configuration=None, **options):
    async with editor(folder, configuration=configuration, **options) as at:
        await at.open(NAME, head + CONFIG)
        while configuration and "PC101" in (one.code for one in await at.found(NAME)):
            await asyncio.sleep(0.02)  # the editor is asked for its settings
        found = [one.code for one in await at.found(NAME)]
        at.change(NAME, head + "- op_names: [conv]\n  \n")
        names = [item.label for item in await at.complete(NAME, "[conv|]")]
        keys = [item.label for item in await at.complete(NAME, "\n  |\n")]
        return {"found": found, "names": names, "keys": keys[:2]}


@pytest.mark.parametrize(
    ("head", "options"),
    [
        ("", {}),
        (f"# yaml-language-server: $schema={WHOLE}\n", {}),
        (f"# a comment\n# $schema: ./{WHOLE}\n", {}),
        ("# yaml-language-server: $schema=my%20model.json\n", {}),
        ("# yaml-language-server: $schema=none\n", {}),
        (f"# yaml-language-server: $schema={WHOLE}\n", {"schemaFeatures": "on"}),
        ("", {"schemaFeatures": "off"}),
        ("", {"configuration": {"yaml": {"schemas": {f"./{WHOLE}": ["*.prune.yaml"]}}}}),
        ("", {"configuration": {"yaml": {"schemas": {f"./{OF_MODEL}": "/*.yaml"}}}}),
    ],
    ids=["none", "modeline", "other modeline", "of model", "off", "on", "options", "settings", "model"],
)
def test_nothing_is_said_twice(head, options, tmp_path, snapshot):
    schemas(project(tmp_path))
    assert asyncio.run(session(tmp_path, head, **options)) == snapshot


@pytest.mark.parametrize(
    ("file", "patterns", "fits"),
    [
        ("/project/cfg.prune.yaml", ["*.prune.yaml"], True),
        ("/project/a/cfg.prune.yaml", ["**/*.prune.yaml"], True),
        ("/project/a/cfg.prune.yaml", ["/a/*.yaml", "!b.yaml"], True),
        ("/project/cfg.prune.yaml", ["other.yaml"], False),
        ("/project/cfg.prune.yaml", ["!*.yaml"], False),
    ],
)
def test_which_files_a_setting_is_about(file, patterns, fits):
    assert attached("- exclude: true\n", file, associations({"x.json": patterns}, None), None).schema is fits
    assert attached("", file, associations(None, [{"url": "x.json", "fileMatch": patterns}]), None).schema is fits
