"""`pruneconf lint` against check-jsonschema with the same schema on the same files: whole processes, CPU seconds.

Where they are installed, yamllint (which knows no schema) and ajv-cli (`npm install -g ajv-cli@5`) are peers too.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Run, compare, measured

BIN = Path(sys.executable).parent
SCHEMA = Path(__file__).parents[1] / "schema" / "pruneconf-v1.schema.json"
SMALL = """\
# a convolutional network: everything but the ends, evenly; the blocks together
- op_types: [Conv2d]
  sparsity_per_layer: 0.6
- op_partial_names:
    - layer2.
    - layer3.
  op_types: [Conv2d]
  total_sparsity: 0.8
  max_sparsity_per_layer: 0.95
- op_names: [conv1, fc]
  exclude: true
- op_names: [layer3.0.downsample.0]
  sparsity_per_layer: 0.3
"""


def ours(*arguments: object) -> list[str]:
    return [str(BIN / "pruneconf"), "lint", *map(str, arguments)]


def peer(*arguments: object) -> list[str]:
    return [str(BIN / "check-jsonschema"), "--schemafile", str(SCHEMA), *map(str, arguments)]


def large(sub_configs: int) -> str:
    entry = """\
- op_types: [Conv2d, Linear]
  op_names:
    - model.layers.{i}.self_attn.q_proj
    - model.layers.{i}.self_attn.k_proj
    - model.layers.{i}.mlp.up_proj
  sparsity_per_layer: 0.{i:04d}
"""
    return "".join(entry.format(i=i) for i in range(1, sub_configs + 1))


def row(name: str, result: tuple[Run, Run, float], target: float) -> None:
    a, b, ratio = result
    verdict = "ok" if ratio <= target else "MISSED"
    print(
        f"{name:34} {a.cpu:7.3f} s {a.peak:5.0f} MiB  |  {b.cpu:7.3f} s {b.peak:5.0f} MiB  |  "
        f"{ratio:5.2f}  (target {target:.2f}: {verdict})"
    )


def of_a_model(here: Path, layers: int, target: float) -> None:
    """A model as a graph file, as a model.py that is traced, and as one that is remembered."""
    model, config, traced = here / "model.py", here / "linear.yaml", here / "model.graph.json"
    model.write_text(f"from torch import nn\n\nmodel = nn.Sequential(*(nn.Linear(64, 64) for _ in range({layers})))\n")
    config.write_text("- op_types: [Linear]\n  sparsity_per_layer: 0.5\n")
    subprocess.run([BIN / "pruneconf", "trace", model, "-o", traced], check=True, capture_output=True)
    row(f"graph of {layers:,} layers / no model", compare(ours(traced, config), ours(config), 21), target)
    from_file = [*ours(traced, config), "--no-cache"]
    unknown = compare(from_file, ours(config), 21)
    print(f"{'the same, nothing remembered':34} {unknown[0].cpu:7.3f} s {unknown[0].peak:5.0f} MiB {unknown[2]:31.2f}")
    anew = measured([*ours(model, config), "--no-cache"], 3)
    print(f"{f'model.py of {layers:,} layers, first time':34} {anew.cpu:7.3f} s {anew.peak:5.0f} MiB")
    row(
        "the same again / its graph file", compare(ours(model, config), [*ours(traced, config), "--no-cache"], 11), 1.25
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # where no settings are
        here = Path(folder)
        small, broken, big = here / "cfg.yaml", here / "broken.yaml", here / "big.yaml"
        small.write_text(SMALL)
        broken.write_text(SMALL.replace("total_sparsity", "total_sparsty"))
        big.write_text(large(5000))
        many = [here / f"{i}.prune.yaml" for i in range(500)]
        for path in many:
            path.write_text(SMALL)
        print(f"{'case':34} {'pruneconf':>19}  |  {'peer':>19}  |  ratio of CPU seconds")
        row("13 lines, valid", compare(ours(small), peer(small), 11), 0.35)
        row("13 lines, one fault", compare(ours(broken), peer(broken), 11), 0.40)
        size = f"1 file of {big.stat().st_size / 1e6:.1f} MB"
        row(size, compare(ours(big), peer(big), 3), 0.12)
        row("500 files in one call", compare(ours(*many), peer(*many), 5), 0.10)
        if yamllint := shutil.which("yamllint", path=BIN):
            row("13 lines, against yamllint", compare(ours(small), [yamllint, str(small)], 11), 1.20)
        if ajv := shutil.which("ajv"):
            command = [ajv, "validate", "--strict=false", "-s", str(SCHEMA), "-d", str(big)]
            row(f"{size}, against ajv", compare(ours(big), command, 3), 1.00)
        of_a_model(here, 300, 1.30)
        of_a_model(here, 1000, 1.30)


if __name__ == "__main__":
    main()
