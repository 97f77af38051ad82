"""What a built site links to and loads, checked on its files: `python docs/maker/links.py build/site`."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

LOADING = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
"""Where a page names what it needs; elsewhere an address is a link for the reader."""
NOT_LOADED = {"canonical", "next", "prev", "alternate", "edit"}


class Page(HTMLParser):
    """The targets and the links of one page: `links` are for the reader, `loads` for the browser."""

    def __init__(self, html: str) -> None:
        """Read a page."""
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a tag names or links to."""
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        for name in {"href", "src"} & values.keys():
            loaded = (tag, name) in LOADING and values.get("rel") not in NOT_LOADED
            (self.loads if loaded else self.links).append(values[name])


def pages(site: Path) -> dict[str, Page]:
    """Every page of a site by its address below the site's root, such as `rules/unknown-key/`."""
    found = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    found.pop("404.html", None)  # it is shown at any address, so its links are absolute
    return {name.removesuffix("index.html"): Page(path.read_text(encoding="utf-8")) for name, path in found.items()}


def faults(site: Path) -> list[str]:
    """A sentence for each link that leads nowhere, and for each thing that is loaded from elsewhere."""
    known = pages(site)
    wrong = []
    for name, page in known.items():
        wrong += [f"{name}: loads {each} from elsewhere" for each in page.loads if urlsplit(each).netloc]
        for link in page.links + page.loads:
            if not urlsplit(link).scheme and not urlsplit(link).netloc and not _leads(link, name, site, known):
                wrong.append(f"{name}: {link} leads nowhere")
    return wrong


def _leads(link: str, name: str, site: Path, known: dict[str, Page]) -> bool:
    target = urlsplit(urljoin(f"/{name}", link))
    path, anchor = unquote(target.path).removeprefix("/"), unquote(target.fragment)
    if path in known:
        return not anchor or anchor in known[path].anchors
    return (site / path).is_file()


if __name__ == "__main__":
    sys.exit("\n".join(faults(Path(sys.argv[1]))) or None)
