"""The language server, over its standard input and output: how long an editor waits, and what the server holds.

Time is what the server's process runs from the message that is sent to the answer that is read; in brackets what the
clock says, which depends on what else the machine does. Medians of keys typed into a layer name, without the pause that
the server makes for its writer to go on (`debounce`, here 0).
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
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


def row(name: str, value: float, target: float, unit: str, clock: float | None = None) -> None:
    verdict = "ok" if value <= target else "MISSED"
    beside = f"[{clock:6.1f}]" if clock else ""
    print(f"{name:54} {value:7.1f} {unit:4} {beside:8} (target {target:g} {unit}: {verdict})")


Times = list[tuple[float, float]]
"""Milliseconds of the process and of the clock."""


def timed(server: Wire, work: Callable[[], object]) -> tuple[float, float]:
    ran, start = server.cpu(), time.perf_counter()
    work()
    clock = 1000 * (time.perf_counter() - start)
    return server.cpu() - ran, clock


def medians(times: Times) -> tuple[float, float]:
    return median(cpu for cpu, _ in times), median(clock for _, clock in times)


def typing(server: Wire, uri: str, text: str) -> Times:
    """From each key, typed at the end of a layer name in the middle, to the diagnostics."""
    lines = text.splitlines()
    number = next(i for i in range(len(lines) // 2, len(lines)) if lines[i].startswith("    - "))

    def key(i: int) -> None:
        at = {"line": number, "character": len(lines[number]) + i}
        server.change(uri, i + 2, [{"range": {"start": at, "end": at}, "text": "x"}])
        server.diagnostics(i + 2)

    return [timed(server, partial(key, i)) for i in range(KEYS)]


def keystrokes(lines: int, layers: int, target: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, graph = Path(folder), model(layers)
        write_graph(graph, here / "model.graph.json")
        server = Wire(COMMAND, here, debounce=0)
        text = config(lines, graph)
        uri = server.open("big.prune.yaml", text)
        server.diagnostics(1)
        cpu, clock = medians(typing(server, uri, text))
        row(f"key to diagnostics, {lines:,} lines x {layers:,} layers", cpu, target, "ms", clock)
        server.close()


def completions(layers: int, target: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, graph = Path(folder), model(layers)
        write_graph(graph, here / "model.graph.json")
        server = Wire(COMMAND, here, debounce=0)
        clock = 1000 * (time.perf_counter() - server.started)
        row(f"start to first answer, {layers:,} layers", server.cpu(), 700, "ms", clock)
        text = "- op_types: [Linear]\n  total_sparsity: 0.5\n- op_names: [model."
        uri = server.open("new.prune.yaml", text.rpartition("- ")[0])
        server.diagnostics(1)
        server.change(uri, 2, [{"text": text}])
        server.diagnostics(2)
        where = {"textDocument": {"uri": uri}, "position": {"line": 2, "character": len(text.splitlines()[2])}}

        def complete() -> None:
            found = server.request("textDocument/completion", where)
            assert found["isIncomplete"]
            assert len(found["items"]) == 500

        cpu, clock = medians([timed(server, complete) for _ in range(KEYS)])
        row(f"completion, {layers:,} layers", cpu, target, "ms", clock)
        row(f"memory, {layers:,} layers", server.resident(), 80, "MiB")
        server.close()


def main() -> None:
    keystrokes(500, 1_000, 10)
    keystrokes(5_000, 10_000, 100)
    completions(10_000, 20)
    completions(50_000, 40)


if __name__ == "__main__":
    main()
