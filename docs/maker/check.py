"""Open every page of the built site in a real browser, at the width of a desk and of a phone.

`python docs/maker/check.py build/site [--screenshots FOLDER]`; exit status 1 where a page has an error on its console,
loads something from elsewhere, links to what is not there, or is wider than its window.
"""

from __future__ import annotations

import functools
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from browser import Browser, chromium
from links import faults, pages

SIZES = ((1280, 900), (360, 740))
TOO_WIDE = """
(width => {
  const scrolls = element => {
    for (let each = element.parentElement; each.tagName !== "ARTICLE"; each = each.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(each).overflowX)) return true;
    return false;
  };
  const name = each => each.tagName.toLowerCase() + " " + each.textContent.trim().slice(0, 40);
  const wide = [...document.querySelectorAll("article *")]
    .filter(each => each.getBoundingClientRect().right > width + 1 && !scrolls(each));
  if (document.documentElement.scrollWidth > width) wide.push(document.documentElement);
  return wide.slice(0, 3).map(name);
})(%d)
"""
SEARCH = """
(async () => {
  const field = document.querySelector("input.md-search__input");
  field.focus();
  field.value = "exclude";
  field.dispatchEvent(new KeyboardEvent("keyup", {bubbles: true}));
  field.dispatchEvent(new InputEvent("input", {bubbles: true}));
  for (let i = 0; i < 50; i++) {
    const found = document.querySelectorAll(".md-search-result__item").length;
    if (found) return found;
    await new Promise(done => setTimeout(done, 100));
  }
  return 0;
})()
"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        """Say nothing."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The address of the site, below a folder as it is when published."""
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "pruneconf").symlink_to(site.resolve())
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=root))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/pruneconf/"
        finally:
            server.shutdown()


def complaint(event: dict[str, Any], home: str) -> str | None:
    """What is wrong with an event of the browser, if anything."""
    method, params = event["method"], event.get("params", {})
    if method == "Runtime.exceptionThrown":
        details = params["exceptionDetails"]
        return f"raises {details.get('exception', {}).get('description', details['text'])}"
    if method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
        return f"writes to the console: {[each.get('value', each.get('description')) for each in params['args']]}"
    if method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
        return f"logs: {params['entry']['text']} {params['entry'].get('url', '')}"
    if method == "Network.requestWillBeSent":
        url = params["request"]["url"]
        return None if url.startswith((home, "data:", "blob:")) else f"loads {url}"
    return None


def look(browser: Browser, home: str, name: str, size: tuple[int, int]) -> list[str]:
    """What is wrong with a page in a window of a size."""
    complaints = [complaint(event, home) for event in browser.open(home + name, *size)]
    wide = [f"is too wide: {each}" for each in browser.evaluate(TOO_WIDE % size[0])]
    return [f"{name or '/'} at {size[0]} px {each}" for each in [*filter(None, complaints), *wide]]


def main() -> None:
    """Check, and say what is wrong."""
    executable = chromium()
    if executable is None:
        sys.exit("no browser to check the site with: install chromium, or name one in the variable CHROMIUM")
    site = Path(sys.argv[1])
    folder = Path(sys.argv[3]) if sys.argv[2:3] == ["--screenshots"] else None
    wrong, names = faults(site), list(pages(site))
    with served(site) as home, Browser(executable) as browser:
        for name in names:
            for size in SIZES:
                wrong += look(browser, home, name, size)
                if folder:
                    browser.screenshot(folder / f"{name.strip('/').replace('/', '-') or 'index'}-{size[0]}.png")
        browser.open(home, *SIZES[0])
        if not browser.evaluate(SEARCH):
            wrong.append("the search finds nothing")
    print(*wrong, f"{len(names)} pages, {len(wrong)} faults", sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
