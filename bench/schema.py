"""What the schema of a model costs: its size, the time to make it, and what language servers take to complete a name.

`make test-editors` installs the servers; without them only sizes and times are measured. The target for a name that is
completed, and for what is said about one that is typed, is what people feel as at once: 100 ms at 1,000 names. Beyond
2,000 names, which is what a schema offers unless told otherwise, an editor needs longer to list them than to find them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from measure import measured  # noqa: E402

from tests.editors.conftest import names_of, write_graph  # noqa: E402
from tests.editors.lsp import Client, at, server  # noqa: E402

TOOLS = Path(os.environ.get("PRUNECONF_EDITORS", ROOT / ".editors"))
SIZES = ((100, 100), (1_000, 1_000), (10_000, 2_000), (10_000, 10_000), (50_000, 2_000))
SERVERS = {
    "yaml-language-server 2.0": ("yaml-language-server", "yaml"),
    "yaml-language-server 1.25": ("yaml-language-server-1.25", "yaml"),
    "VS Code's JSON server": ("json", "json"),
}
TEXTS = {
    "yaml": ("# yaml-language-server: $schema=./yaml.json\n- op_names: [{}<|>]\n  exclude: true\n", "c.yaml"),
    "json": ('[{{"op_names": ["{}<|>"], "exclude": true}}]', "c.prune.json"),
}


def make(here: Path, layers: int, offered: int) -> None:
    graph = write_graph(here / "net.graph.json", names_of(layers))
    for flavour in ("yaml", "json"):
        path = here / f"{flavour}.json"
        options = ["--for", flavour, "--max-names", str(offered), "-o", str(path)]
        cost = measured([sys.executable, "-m", "pruneconf", "schema", "--model", str(graph), *options], 3)
        print(
            f"{layers:6,} layers, {offered:6,} offered, {flavour}: {path.stat().st_size / 1e6:5.2f} MB, "
            f"{cost.cpu:5.2f} s, {cost.peak:3.0f} MiB"
        )


def seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def ask(client: Client, here: Path, flavour: str) -> str:
    """Completion, the first and further ones; a keystroke to what is said about it; a hover."""
    template, name = TEXTS[flavour]
    text, position = at(template.format("encoder.layers.1.no"))
    opened = seconds(lambda: client.next_diagnostics(client.open(here / name, text)))
    uri = (here / name).as_uri()
    completions = [seconds(lambda: client.completion(uri, position)) for _ in range(4)]
    client.forget_published()
    texts = [template.format(f"nope{number}").replace("<|>", "") for number in range(3)]
    typed = [seconds(partial(change, client, uri, text)) for text in texts]
    text, position = at(template.format("encoder.layers.1.norm"))
    change(client, uri, text)
    hover = median(seconds(lambda: client.hover(uri, position)) for _ in range(3))
    times = (opened, completions[0], median(completions[1:]), median(typed), hover)
    return " ".join(f"{1000 * value:7.0f}" for value in times)


def change(client: Client, uri: str, text: str) -> None:
    client.change(uri, text)
    client.next_diagnostics(uri)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        for layers, offered in SIZES:
            make(here, layers, offered)
            if not TOOLS.is_dir():
                print("  no language servers: `make test-editors` installs them")
                continue
            print(f"  {'ms':27} {'open':>7} {'first':>7} {'again':>7} {'key':>7} {'hover':>7}")
            for title, (name, flavour) in SERVERS.items():
                client = server(TOOLS, name, here, {"json.json": ["*.prune.json"]} if flavour == "json" else {})
                print(f"  {title:27} {ask(client, here, flavour)}")
                client.close()


if __name__ == "__main__":
    main()
