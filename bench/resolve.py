"""CPU seconds on 10,000 layers: `resolve` with 1,000 sub-configs of partial names, all rules on the same, and
did-you-mean for 10,000 names that are none.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pruneconf.config import load
from pruneconf.graph import Layer, ModelGraph
from pruneconf.plan import resolve
from pruneconf.rules import lint

LINEAR = ("attn.q", "attn.k", "attn.v", "attn.o", "mlp.up", "mlp.gate", "mlp.down")


def model(layers: int) -> ModelGraph:
    names = [f"model.layers.{i // 7}.{LINEAR[i % 7]}_proj" for i in range(layers)]
    return ModelGraph(
        "model.py",
        "Net",
        tuple(Layer(name, "Linear", (64, 64), "float32", f"{name}.weight") for name in names),
    )


def sub_configs(count: int) -> list[dict[str, object]]:
    """A broad one, then one for each block: some its own ratio, some a capped total, some an exclude."""
    amounts: list[dict[str, object]] = [
        {"sparsity_per_layer": 0.6},
        {"total_sparsity": 0.7, "max_sparsity_per_layer": 0.9},
        {"exclude": True},
    ]
    found: list[dict[str, object]] = [{"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.9}]
    found += [{"op_partial_names": [f".{i}.attn.", f".{i}.mlp."], **amounts[i % 3]} for i in range(count - 1)]
    return found


def cpu(work: Callable[[], object]) -> float:
    """The best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    graph, config = model(10_000), load(sub_configs(1_000))
    seconds = cpu(lambda: resolve(config, graph))
    verdict = "ok" if seconds <= 1 else "MISSED"
    print(f"resolve, 10,000 layers x 1,000 sub-configs  {seconds:6.3f} s  (target 1.000 s: {verdict})")
    print(f"lint, all rules, the same                   {cpu(lambda: lint(config, graph)):6.3f} s")
    names = [layer.name.replace("proj", "porj") for layer in graph.layers]
    unknown = load([{"op_names": names, "sparsity_per_layer": 0.5}])
    print(f"lint, 10,000 unknown names                  {cpu(lambda: lint(unknown, graph)):6.3f} s")


if __name__ == "__main__":
    main()
