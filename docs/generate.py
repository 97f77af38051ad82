"""Write the generated pages of the documentation; with --check, only say whether they are fresh."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from maker.commands import commands_page
from maker.families import family
from maker.formats import format_pages

from pruneconf.findings import RuleInfo
from pruneconf.rules.registry import all_rules

DOCS = Path(__file__).parent
RULES, REFERENCE = DOCS / "rules", DOCS / "reference"
SHOWN = DOCS.parent / "tests" / "rules" / "__snapshots__" / "test_docs"
BY_HAND = {REFERENCE / "index.md"}
README = Path(__file__).parents[1] / "README.md"
MARKS = ("<!-- rules: written by docs/generate.py -->\n", "<!-- end of rules -->\n")


def page(info: RuleInfo) -> str:
    """The page of one rule: its documentation, and what its example is tested to print."""
    fix = f" · fix: {info.fix}" if info.fix else ""
    shown = SHOWN / f"test_example[{info.code}].txt"
    says = f"It says:\n```text\n{shown.read_text(encoding='utf-8').strip()}\n```\n\n" if shown.exists() else ""
    doc = info.doc.replace("## Use instead", f"{says}## Use instead", 1)
    return f"# {info.name} ({info.code})\n\n{info.severity.value} · needs: {info.needs}{fix}\n\n{doc}\n"


INDEX = """\
# Rules

Each finding names its rule by code and name: `pruneconf explain PC302` prints the page of a rule in the terminal.
*Needs* says what a rule has to know: the `text`, the `schema`'s verdict, the `model`'s layers, the `plan` for them, or
the `graph` of a traced forward pass. A safe *fix* does not change what is pruned (`--fix`); an unsafe one is a guess
(`--unsafe-fixes`). Only errors fail a run, with `--strict` warnings too.
"""


def index(infos: list[RuleInfo]) -> str:
    """The page of all rules, by family."""
    parts = [INDEX]
    for name, members in groupby(infos, lambda info: family(info.code)):
        parts.append(f"\n## {name}\n\n| rule | what it says | severity | needs | fix |\n|---|---|---|---|---|\n")
        parts += (
            f"| [{info.code} {info.name}]({info.name}.md) | {info.summary} | {info.severity.value} | {info.needs} "
            f"| {info.fix or ''} |\n"
            for info in members
        )
    return "".join(parts)


def table(infos: list[RuleInfo]) -> str:
    """The table of all rules in the README."""
    head = "| code | rule | severity | needs | fix | what it says |\n|---|---|---|---|---|---|\n"
    rows = (
        f"| {info.code} | [{info.name}](docs/rules/{info.name}.md) | {info.severity.value} | {info.needs} "
        f"| {info.fix or ''} | {info.summary} |\n"
        for info in infos
    )
    return head + "".join(rows)


def readme(infos: list[RuleInfo]) -> str:
    """The README with the table of rules between its marks."""
    before, rest = README.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    return before + MARKS[0] + table(infos) + MARKS[1] + after


def pages() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    infos = [rule.info for rule in all_rules()]
    tables = {RULES / "index.md": index(infos), README: readme(infos)}
    reference = {REFERENCE / name: text for name, text in format_pages().items()}
    rules = {RULES / f"{info.name}.md": page(info) for info in infos}
    return tables | rules | reference | {REFERENCE / "commands.md": commands_page()}


def main() -> None:
    """Write or check."""
    wanted = pages()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    found = {*RULES.glob("*.md"), *REFERENCE.glob("*.md")} - BY_HAND
    stale += sorted(found - wanted.keys())
    if "--check" in sys.argv[1:]:
        if stale:
            names = ", ".join(path.name for path in stale)
            sys.exit(f"generated pages are stale ({names}): run `make docs`")
        return
    RULES.mkdir(exist_ok=True)
    REFERENCE.mkdir(exist_ok=True)
    for path in stale:
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    main()
