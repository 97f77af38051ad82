"""The language server, over its standard input and output: how long an editor waits, and what the server holds.

Time is from the message that is sent to the answer that is read, without the pause that the server makes for its writer
to go on (`debounce`, here 0). Medians of keys typed into a layer name, and the slowest of them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from resolve import model
from wire import Wire

from pruneconf.graph import ModelGraph, write_graph

COMMAND = (sys.executable, "-m", "pruneconf", "server")
KEYS = 40


def config(lines: int, graph: ModelGraph) -> str:
    """Sub-configs of six lines, the last three of them with a misspelt name, an old key and a percentage."""
    written = ["# é, for the columns of UTF-16", "- op_types: [Linear]", "  sparsity_per_layer: 0.4"]
    names = [layer.name for layer in graph.layers]
    for i in range((lines - len(written)) // 6):
        three = [names[(3 * i + j) % len(names)] for j in range(3)]
        written += ["- op_types: [Linear]", "  op_names:", *(f"    - {name}" for name in three)]
        written.append(f"  sparsity_per_layer: 0.{5000 + i}")
    text = "\n".join(written) + "\n"
    head, _, tail = text.rpartition("- op_types")
    return head + "- op_types" + tail.replace("attn.q", "atn.q").replace("mlp.up", "mpl.up")


def row(name: str, value: float, target: float, unit: str) -> None:
    verdict = "ok" if value <= target else "MISSED"
    print(f"{name:58} {value:8.1f} {unit:4} (target {target:g} {unit}: {verdict})")


def typing(server: Wire, uri: str, text: str) -> list[float]:
    """Milliseconds from each key, typed at the end of a layer name in the middle, to the diagnostics."""
    lines = text.splitlines()
    number = next(i for i in range(len(lines) // 2, len(lines)) if lines[i].startswith("    - "))
    times = []
    for i in range(KEYS):
        at = {"line": number, "character": len(lines[number]) + i}
        start = time.perf_counter()
        server.change(uri, i + 2, [{"range": {"start": at, "end": at}, "text": "x"}])
        server.diagnostics(i + 2)
        times.append(1000 * (time.perf_counter() - start))
    return times


def keystrokes(lines: int, layers: int, target: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, graph = Path(folder), model(layers)
        write_graph(graph, here / "model.graph.json")
        server = Wire(COMMAND, here, debounce=0)
        text = config(lines, graph)
        uri = server.open("big.prune.yaml", text)
        server.diagnostics(1)
        times = typing(server, uri, text)
        row(f"key to diagnostics, {lines:,} lines x {layers:,} layers", median(times), target, "ms")
        print(f"{'  the slowest of them':58} {max(times):8.1f} ms")
        server.close()


def completions(layers: int, target: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, graph = Path(folder), model(layers)
        write_graph(graph, here / "model.graph.json")
        server = Wire(COMMAND, here, debounce=0)
        row(f"start to first answer, {layers:,} layers", 1000 * (time.perf_counter() - server.started), 700, "ms")
        text = "- op_types: [Linear]\n  op_names: [model.layers.1.mlp.up_proj, model."
        uri = server.open("new.prune.yaml", text)
        server.diagnostics(1)
        server.change(
            uri, 2, [{"text": text.replace("[model.layers.1.mlp.up_proj, model.", "[]\n  total_sparsity: 0.5")}]
        )
        server.diagnostics(2)
        server.change(uri, 3, [{"text": text}])
        server.diagnostics(3)
        where = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": len(text.splitlines()[1])}}
        times = []
        for _ in range(KEYS):
            start = time.perf_counter()
            found = server.request("textDocument/completion", where)
            times.append(1000 * (time.perf_counter() - start))
        assert found["isIncomplete"]
        assert len(found["items"]) == 500
        row(f"completion, {layers:,} layers", median(times), target, "ms")
        print(f"{'  the slowest of them':58} {max(times):8.1f} ms")
        row(f"memory, {layers:,} layers", server.resident(), 80, "MiB")
        server.close()


def main() -> None:
    keystrokes(500, 1_000, 10)
    keystrokes(5_000, 10_000, 100)
    completions(10_000, 20)
    completions(50_000, 40)


if __name__ == "__main__":
    main()
