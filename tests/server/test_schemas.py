"""Where another server has a schema for a config, this one says and offers only what that cannot."""

import asyncio
import json

import pytest

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
        await asyncio.sleep(0.3 if configuration else 0)  # the editor is asked for its settings
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
        ("", {"configuration": {"yaml": {"schemas": {f"./{WHOLE}": "other.yaml"}}}}),
        ("", {"configuration": {"yaml": {"schemas": {f"./{OF_MODEL}": "/*.yaml"}}}}),
    ],
    ids=["none", "modeline", "other modeline", "of model", "off", "on", "options", "settings", "other file", "model"],
)
def test_nothing_is_said_twice(head, options, tmp_path, snapshot):
    schemas(project(tmp_path))
    assert asyncio.run(session(tmp_path, head, **options)) == snapshot
