"""Open one page in a real browser, light and dark, at the width of a desk and of a phone.

`python docs/maker/look.py out/report.html [--screenshots FOLDER]`; exit status 1 where the page has an error on its
console, loads anything, or is wider than its window.
"""

from __future__ import annotations

import sys
from pathlib import Path

from browser import Browser, chromium
from check import SIZES, complaint

WIDTH = "document.documentElement.scrollWidth"
BACK = "getComputedStyle(document.body).backgroundColor"


def look(browser: Browser, home: str, scheme: str, folder: Path | None) -> list[str]:
    """What is wrong with a page in a colour scheme."""
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    wrong = []
    for width, height in SIZES:
        found = [complaint(event, home) for event in browser.open(home, width, height)]
        if (wide := browser.evaluate(WIDTH)) > width:
            found.append(f"is {wide} px wide")
        wrong += [f"{scheme} at {width} px {each}" for each in found if each]
        if folder:
            browser.screenshot(folder / f"{scheme}-{width}.png")
    return wrong


def main() -> None:
    """Look, and say what is wrong."""
    executable = chromium()
    if executable is None:
        sys.exit("no browser to look at the page with: install chromium, or name one in the variable CHROMIUM")
    folder = Path(sys.argv[3]) if sys.argv[2:3] == ["--screenshots"] else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    wrong, backs = [], set()
    with Browser(executable) as browser:
        for scheme in ("light", "dark"):
            wrong += look(browser, Path(sys.argv[1]).resolve().as_uri(), scheme, folder)
            backs.add(browser.evaluate(BACK))
    if len(backs) == 1:
        wrong.append("looks the same in light and dark")
    print(*wrong, f"{len(wrong)} faults", sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
