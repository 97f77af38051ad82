"""`pruneconf trace` of large language models from their configs alone, and `lint` on what it wrote: whole processes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from measure import Run, run

COMMAND = [sys.executable, "-m", "pruneconf"]
LLAMA_3_70B = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 128256,
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "dtype": "bfloat16",
}
DEEPSEEK_V3 = {"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "dtype": "bfloat16"}
CONFIG = "- op_types: [Linear]\n  sparsity_per_layer: 0.5\n- op_names: [lm_head]\n  exclude: true\n"


def measured(command: list[str], times: int) -> Run:
    run(command)
    runs = [run(command) for _ in range(times)]
    return Run(median(each.cpu for each in runs), max(each.peak for each in runs))


def row(name: str, got: Run, seconds: float, peak: float) -> None:
    verdict = "ok" if got.cpu <= seconds and got.peak <= peak else "MISSED"
    print(f"{name:34} {got.cpu:6.2f} s {got.peak:5.0f} MiB  (targets {seconds:.1f} s, {peak:.0f} MiB: {verdict})")


def model(here: Path, name: str, config: dict[str, object], seconds: float, peak: float) -> None:
    (here / name).mkdir()
    (here / name / "config.json").write_text(json.dumps(config))
    graph = here / f"{name}.graph.json"
    trace = [*COMMAND, "trace", str(here / name), "-o", str(graph)]
    subprocess.run(trace, check=True, capture_output=True)
    data = json.loads(graph.read_text())
    print(f"{name}: {data['parameters'] / 1e9:.0f} G parameters, origin {data['origin']}, ", end="")
    print(f"{len(data['couplings'])} couplings, {graph.stat().st_size / 1e3:.0f} kB")
    row("  trace", measured(trace, 3), seconds, peak)
    row("  lint on its graph file", measured([*COMMAND, "lint", str(graph), str(here / "cfg.yaml")], 5), 0.3, peak)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "cfg.yaml").write_text(CONFIG)
        model(here, "llama-3-70b", dict(LLAMA_3_70B), 10, 700)
        model(here, "deepseek-v3-671b", dict(DEEPSEEK_V3), 15, 1024)


if __name__ == "__main__":
    main()
