"""Write the generated pages of the documentation; with --check, only say whether they are fresh."""

from __future__ import annotations

import sys
from pathlib import Path

from pruneconf.findings import RuleInfo
from pruneconf.rules.registry import all_rules

RULES = Path(__file__).parent / "rules"


def page(info: RuleInfo) -> str:
    """The page of one rule."""
    fix = f" · fix: {info.fix}" if info.fix else ""
    return f"# {info.name} ({info.code})\n\n{info.severity.value} · needs: {info.needs}{fix}\n\n{info.doc}\n"


def index(infos: list[RuleInfo]) -> str:
    """The table of all rules."""
    head = "# Rules\n\n| code | rule | severity | needs | fix | what it says |\n|---|---|---|---|---|---|\n"
    rows = (
        f"| {info.code} | [{info.name}]({info.name}.md) | {info.severity.value} | {info.needs} | {info.fix or ''} "
        f"| {info.summary} |\n"
        for info in infos
    )
    return head + "".join(rows)


def pages() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    infos = [rule.info for rule in all_rules()]
    return {RULES / "index.md": index(infos)} | {RULES / f"{info.name}.md": page(info) for info in infos}


def main() -> None:
    """Write or check."""
    wanted = pages()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    stale += [path for path in RULES.glob("*.md") if path not in wanted]
    if "--check" in sys.argv[1:]:
        if stale:
            names = ", ".join(path.name for path in stale)
            sys.exit(f"docs/rules is stale ({names}): run `make docs`")
        return
    RULES.mkdir(exist_ok=True)
    for path in stale:
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    main()
