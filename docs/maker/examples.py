"""Examples of the machine formats, as the commands print them."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

from click.testing import CliRunner

from pruneconf.cli import cli

GRAPH = {
    "$schema": "https://pruneconf.github.io/pruneconf/schema/graph-v1.schema.json",
    "format": 1,
    "source": "model.py",
    "type": "Net",
    "origin": "modules",
    "inputs": "",
    "missing": [],
    "parameters": 1618,
    "versions": {"pruneconf": "0.1.0", "torch": "2.13.0"},
    "sources": {},
    "layers": [
        {"name": "conv", "type": "Conv2d", "shape": [16, 3, 3, 3], "dtype": "float32", "parameter": "conv.weight"},
        {"name": "fc", "type": "Linear", "shape": [10, 16], "dtype": "float32", "parameter": "fc.weight"},
    ],
    "modules": [{"name": "", "type": "Net", "weight": "none", "children": 2}],
    "shared": {},
    "unreachable": [],
    "couplings": [],
}
GOOD = "- op_types: [Conv2d, Linear]\n  total_sparsity: 0.5\n  max_sparsity_per_layer: 0.9\n"
BAD = "- op_names: [covn]\n  sparsity_per_layer: 0.5\n"


def examples() -> dict[str, str]:
    """By the name of its page, what a format looks like (Markdown)."""
    return {
        "graph.md": _block(json.dumps(GRAPH), "a `model.graph.json`"),
        "findings.md": _example(BAD, "lint"),
        "plan.md": _example(GOOD, "show"),
    }


def _example(config: str, command: str) -> str:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, text in (("model.graph.json", json.dumps(GRAPH)), ("cfg.yaml", config)):
            Path(name).write_text(text, encoding="utf-8")
        done = CliRunner().invoke(
            cli, [command, "--format", "json", "model.graph.json", "cfg.yaml"], catch_exceptions=False
        )
    said = f"what `pruneconf {command} --format json model.graph.json cfg.yaml` prints for\n\n```yaml\n{config}```"
    return _block(done.stdout, said)


def _block(text: str, what: str) -> str:
    return f"\n## Example\n\nThis is {what}\n\n```json\n{_pretty(json.loads(text))}\n```\n"


def _pretty(node: object, indent: str = "") -> str:
    """JSON in which whatever fits into a line stands in one."""
    short = json.dumps(node, ensure_ascii=False)
    if len(indent) + len(short) <= 88 or not isinstance(node, dict | list):  # noqa: PLR2004 - what a page shows
        return short
    inner = indent + "  "
    if isinstance(node, dict):
        parts = [f"{inner}{json.dumps(key)}: {_pretty(value, inner)}" for key, value in node.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _pretty(value, inner) for value in node) + f"\n{indent}]"
