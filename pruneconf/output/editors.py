"""What editors read to attach the schema of a model to its configs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from pruneconf.errors import PruneconfError
from pruneconf.graph.schema_file import schema_line
from pruneconf.output.merge import merged

DEFAULT = "pruneconf.yaml"
"""The config that stands for its project: its schema is also that of all others that have none of their own."""


class Attached(NamedTuple):
    """A schema and the patterns of the files that it is for; paths are relative to the folder that is opened."""

    schema: str
    patterns: tuple[str, ...]


class Editor(NamedTuple):
    """The flavours of the schemas that an editor wants, how the first line of a config names one, and its own files.

    `files` gives the text of each from what is in it now, and the schemas.
    """

    flavours: tuple[str, ...]
    line: str
    files: Mapping[str, Callable[[str, str, Sequence[Attached]], str]]


def patterns(config: str, flavour: str) -> tuple[str, ...]:
    """The files of this flavour that share the schema of a config."""
    if config != DEFAULT:
        return (config,) if flavour != "json" else ()
    return ("pruneconf.json", "*.prune.json") if flavour == "json" else (config, "*.prune.yaml", "*.prune.yml")


def with_schema_line(text: str, config: str, schema: str, editor: Editor) -> str:
    """The text of a config with a first line that names its schema, unless it names one already."""
    if schema_line(text):
        return text
    path = os.path.relpath(schema, PurePath(config).parent).replace(os.sep, "/").replace(" ", "%20")
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    end = "\r\n" if "\r\n" in text else "\n"
    return f"{mark}{editor.line.format(path if path.startswith('../') else f'./{path}')}{end}{text}"


def _vscode(name: str, text: str, attached: Sequence[Attached]) -> str:
    yaml, *others = attached
    wanted = {
        "yaml.schemas": {f"./{yaml.schema}": list(yaml.patterns)},
        "json.schemas": [{"fileMatch": list(json.patterns), "url": f"./{json.schema}"} for json in others],
    }
    return merged(name, text, {key: value for key, value in wanted.items() if value})


def _vscode_extensions(name: str, text: str, attached: Sequence[Attached]) -> str:  # noqa: ARG001 - as the others
    return merged(name, text, {"recommendations": ["redhat.vscode-yaml"]})


_LUA = """\
-- pruning configs: the YAML language server completes the names of layers ('exrc' has Neovim read this file)
local server = vim.lsp.config.yamlls or {{}}
vim.lsp.config("yamlls", {{
  cmd = server.cmd or {{ "yaml-language-server", "--stdio" }},
  filetypes = server.filetypes or {{ "yaml" }},
  root_markers = server.root_markers or {{ ".git", ".nvim.lua" }},
  settings = {{ yaml = {{ schemas = {{ [{schema}] = {patterns} }} }} }},
}})
vim.lsp.enable("yamlls")
"""


def _neovim(name: str, text: str, attached: Sequence[Attached]) -> str:
    schema = f'vim.uri_from_fname(vim.fn.getcwd() .. "/{attached[0].schema}")'
    if schema in text:
        return text
    lines = text.rstrip().splitlines()
    if lines and lines[-1].startswith("return"):
        raise PruneconfError(f"`{name}:{len(lines)}`: nothing can stand behind `return`; end the file without it")
    listed = ", ".join(f'"{pattern}"' for pattern in attached[0].patterns)
    ours = _LUA.format(schema=schema, patterns=f"{{ {listed} }}")
    return f"{text.rstrip()}\n\n{ours}" if lines else ours


_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<project version="4">
  <component name="JsonSchemaMappingsProjectConfiguration">
    <state>
      <map>
      </map>
    </state>
  </component>
</project>
"""
_ENTRY = """\
        <entry key={key}>
          <value>
            <SchemaInfo>
              <option name="name" value={key} />
              <option name="relativePathToSchema" value={schema} />
              <option name="schemaVersion" value="JSON Schema version 7" />
              <option name="patterns">
                <list>
{items}                </list>
              </option>
            </SchemaInfo>
          </value>
        </entry>
"""


def _jetbrains(name: str, text: str, attached: Sequence[Attached]) -> str:
    text = text or _XML
    key, schema = quoteattr(f"pruneconf {attached[0].patterns[0]}"), quoteattr(attached[0].schema)
    if f'"relativePathToSchema" value={schema}' in text:
        return text
    ends = list(re.finditer(r"^[ \t]*</map>", text, re.MULTILINE))
    if not ends:
        raise PruneconfError(f"`{name}:1`: expected a list of schema mappings (`<map>`); add {schema} in the settings")
    items = "".join(map(_item, attached[0].patterns))
    entry = _ENTRY.format(key=key, schema=schema, items=items)
    return text[: ends[-1].start()] + entry + text[ends[-1].start() :]


def _item(pattern: str) -> str:
    lines = [f'<option name="path" value={quoteattr(pattern)} />']
    if "*" in pattern:
        lines = ['<option name="pattern" value="true" />', *lines, '<option name="mappingKind" value="Pattern" />']
    indent = " " * 18
    return "".join(f"{indent}{line}\n" for line in ("<Item>", *(f"  {line}" for line in lines), "</Item>"))


_YLS_LINE = "# yaml-language-server: $schema={}"
EDITORS: Mapping[str, Editor] = {
    "vscode": Editor(
        ("yaml", "json"),
        _YLS_LINE,
        {".vscode/settings.json": _vscode, ".vscode/extensions.json": _vscode_extensions},
    ),
    "neovim": Editor(("yaml",), _YLS_LINE, {".nvim.lua": _neovim}),
    "jetbrains": Editor(("jetbrains",), "# $schema: {}", {".idea/jsonSchemas.xml": _jetbrains}),
}
