"""What mkdocs does not do by itself: navigation to generated pages, the schemas, drawings in the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from families import family
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from pruneconf.rules.registry import all_rules

DOCS = Path(__file__).parents[1]
SCHEMAS = sorted((DOCS.parent / "schema").glob("*.schema.json"))
DRAWING = re.compile(r'<img alt="([^"]*)" src="[./]*(pictures/[\w-]+\.svg)" ?/?>')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages that the navigation does not name behind those that it does."""
    sections: dict[str, list[Any]] = {}
    for entry in config.nav or []:
        sections |= entry if isinstance(entry, dict) else {}
    named = {"index.md", *sections["Guide"]}
    sections["Guide"] += sorted(path.name for path in DOCS.glob("*.md") if path.name not in named)
    for path in SCHEMAS:
        title = json.loads(path.read_text(encoding="utf-8"))["title"]
        sections["Reference"].append({title: f"reference/{path.name.partition('-')[0]}.md"})
    families: dict[str, list[dict[str, str]]] = {}
    for rule in all_rules():
        code, name = rule.info.code, rule.info.name
        families.setdefault(family(code), []).append({f"{code} {name}": f"rules/{name}.md"})
    sections["Rules"] += [{family: pages} for family, pages in families.items()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Publish the JSON Schemas at the addresses that are their identifiers."""
    for path in SCHEMAS:
        files.append(File.generated(config, f"schema/{path.name}", abs_src_path=str(path)))
    return files


def on_page_content(html: str, **_: object) -> str:
    """Put drawings into the page itself, so that they take its colours and its text is found."""
    return DRAWING.sub(_inlined, html)


def _inlined(image: re.Match[str]) -> str:
    svg = (DOCS / image[2]).read_text(encoding="utf-8")
    svg = re.sub(r"\s*<style>.*?</style>", "", svg, flags=re.DOTALL)
    return svg.replace("<svg ", f'<svg class="drawing" role="img" aria-label="{image[1]}" ', 1)
