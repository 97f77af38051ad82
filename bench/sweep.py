"""Trace every model of whole libraries, and write docs/models.md: how many are traced, and why the others are not.

    python bench/sweep.py transformers timm torchvision

The libraries that are named must be installed; torchvision and timm may be put into a folder of their own, so that
other programs do not see them: `pip install --no-deps --target FOLDER torchvision timm pillow`, PYTHONPATH=FOLDER.

Each model is built and traced as `pruneconf trace` would, in a process of its own with limits on time and memory. What
is found goes to `build/sweep/`, a line each: a sweep that was broken off goes on where it stopped; delete that folder
to begin anew. With `--page` the page is written anew from what is there. Half an hour is enough for each library.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "build" / "sweep", ROOT / "docs" / "models.md"
SECONDS, MEMORY = 240, 8 << 30
"""What one model may take, on top of what importing its library took."""
WAYS = ("operators", "partial", "modules", "not built")

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("libraries", nargs="*", choices=[[], *NAMES], metavar="LIBRARY")
    parser.add_argument("--page", action="store_true", help="only write the page")
    parser.add_argument("--only", nargs="+", default=[], metavar="MODEL", help="these models, printed and not kept")
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    for library in options.libraries if not options.page else ():
        sweep(library, options.only)
    if not options.only:
        PAGE.write_text(page([*map(rows_of, sorted(RESULTS.glob("*.jsonl")))]), encoding="utf-8")


def sweep(library: str, only: list[str]) -> None:
    """Trace the models of a library that have no result yet."""
    if library != "transformers":
        _mend_torchvision()
    for module in ("pruneconf.tracing.load", *MODULES[library]):  # once, and not in each child
        import_module(module)
    path = RESULTS / f"{library}.jsonl"
    known = {row["model"] for row in rows_of(path)} if path.exists() and not only else set()
    path.parent.mkdir(parents=True, exist_ok=True)
    names = only or [name for name in NAMES[library]() if name not in known]
    for number, name in enumerate(names, 1):
        row = {"library": library, "version": version(library), "model": name, **apart(library, name)}
        line = json.dumps(row, ensure_ascii=False)
        if not only:
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        print(f"{number}/{len(names)} {line}", flush=True)


def rows_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- the models of each library


def _transformers() -> Iterator[str]:
    """Every model type."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    yield from sorted(CONFIG_MAPPING_NAMES)


def _timm() -> Iterator[str]:
    """The first two models of every module."""
    import timm

    for module in timm.list_modules():
        yield from timm.list_models(module=module)[:2]


def _torchvision() -> Iterator[str]:
    """All models."""
    import torchvision

    yield from torchvision.models.list_models()


NAMES: dict[str, Callable[[], Iterator[str]]] = {
    "transformers": _transformers,
    "timm": _timm,
    "torchvision": _torchvision,
}
MODULES = {
    "transformers": ("transformers.models.auto.modeling_auto", "transformers.modeling_utils"),
    "timm": ("timm",),
    "torchvision": ("torchvision",),
}
BUILDERS = {
    "timm": "import timm\nmodel = timm.create_model({name!r})\n",
    "torchvision": (
        "from torchvision.models import get_model_builder\nimport inspect\n"
        "builder = get_model_builder({name!r})\n"
        "model = builder(**{{key: None for key in inspect.signature(builder).parameters if 'weights' in key}})\n"
    ),
}
"""A `model.py` for one of the models."""


def target(library: str, name: str, folder: Path) -> str:
    """What a user would name as MODEL."""
    if library == "transformers":
        (folder / "config.json").write_text(json.dumps({"model_type": name}))
        return str(folder)
    (folder / "model.py").write_text(BUILDERS[library].format(name=name))
    return str(folder / "model.py")


def _mend_torchvision() -> None:
    """The registry's torchvision is built for another torch: without this schema it cannot be imported."""
    import torch

    if torch.version.cuda is None and not _KEPT:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)


_KEPT: list[Any] = []


# --- one model


def apart(library: str, name: str) -> Row:
    """Trace a model in a child of this process, which has imported what is needed."""
    with tempfile.TemporaryDirectory() as folder:
        here, began = Path(folder), time.monotonic()
        child = os.fork()
        if child == 0:
            _trace_and_exit(library, name, here)
        _, status = os.waitpid(child, 0)
        result = here / "row.json"
        if result.exists():
            row: Row = json.loads(result.read_text())
        elif os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            row = {"way": "not built", "why": f"not done after {SECONDS} s"}
        else:
            row = {"way": "not built", "why": f"the process ended with status {status}"}
        return {**row, "seconds": round(time.monotonic() - began, 1)}


def _trace_and_exit(library: str, name: str, here: Path) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    signal.alarm(SECONDS)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    try:
        (here / "row.draft").write_text(json.dumps(_row(library, name, here)))
        (here / "row.draft").rename(here / "row.json")
    finally:
        os._exit(0)


def _row(library: str, name: str, here: Path) -> Row:
    from pruneconf.errors import PruneconfError
    from pruneconf.tracing.load import load_graph

    try:
        graph = load_graph(target(library, name, here)).graph
    except PruneconfError as error:
        return {"way": "not built", "why": _plain(str(error), here)}
    except Exception as error:  # noqa: BLE001 (whatever it is, it belongs into the table)
        return {"way": "not built", "why": _plain(f"{type(error).__name__}: {error}", here)}
    unknown = {pin.name for coupling in graph.couplings for pin in coupling.pins if pin.kind == "unknown"}
    return {
        "way": graph.origin.value,
        "why": _plain("; ".join(graph.missing), here),
        "parameters": graph.parameters,
        "layers": len(graph.layers),
        "couplings": len(graph.couplings),
        "unknown": sorted(unknown),
    }


def _plain(text: str, here: Path) -> str:
    """A message without the folder that was made for this sweep, and without what to do about it."""
    text = text.replace(f"transformers cannot load `{here}`: ", "").replace(f"{here}/", "")
    return " ".join(text.removesuffix("; write a `model.py` that builds it").split())


# --- the page


def page(libraries: list[list[Row]]) -> str:
    """The whole page."""
    parts = [HEAD, table(libraries)]
    for rows in libraries:
        parts.append(f"## {rows[0]['library']} {rows[0]['version']}\n")
        parts += [*failures(rows), ""] if any(row["way"] != "operators" for row in rows) else ["All are traced.\n"]
    return "\n".join(parts)


def table(libraries: list[list[Row]]) -> str:
    heads = ("library", "models", "built", *WAYS[:3], "an outcome was assumed", "an operation is not known")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for rows in libraries:
        ways = Counter(row["way"] for row in rows)
        assumed = sum(row["way"] == "operators" and bool(row["why"]) for row in rows)
        unknown = sum(bool(row.get("unknown")) for row in rows)
        counts = [len(rows), len(rows) - ways["not built"], *(ways[way] for way in WAYS[:3]), assumed, unknown]
        lines.append(f"| {rows[0]['library']} {rows[0]['version']} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines) + "\n"


def failures(rows: list[Row]) -> Iterator[str]:
    """Tables of the models that were traced in part or not at all, and of those that could not be built."""
    if broken := [row for row in rows if row["way"] in ("partial", "modules")]:
        yield "| model | traced | why not all of it |\n|---|---|---|"
        for row in broken:
            yield f"| {row['model']} | {'in part' if row['way'] == 'partial' else 'no'} | {_cell(row['why'])} |"
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        if row["way"] == "not built":
            by_reason.setdefault(_reason(row["why"]), []).append(row["model"])
    if by_reason:
        yield "\nNot built:\n\n| why | models |\n|---|---|"
        for why, models in sorted(by_reason.items(), key=lambda item: -len(item[1])):
            yield f"| {_cell(why)} | {', '.join(models)} |"


def _reason(why: str) -> str:
    return "it has no base model class" if why.startswith("Unrecognized configuration class") else why


def _cell(text: str) -> str:
    text = text.partition("; say which inputs it takes")[0].removeprefix("the forward pass ")
    text = text.replace(" broke off: ", ": ")
    text = re.sub(r"/\S*/site-packages/", "", text)
    return text.replace("|", "\\|").replace("<", "&lt;")


HEAD = """\
# Which models can be traced

Written by `bench/sweep.py`: every model type of transformers at its default config, the first two models of each module
of timm, all models of torchvision. Each is built and traced as `pruneconf trace` does it, without example inputs, in an
environment that has only the library and what it cannot do without.

`operators` means that the whole forward pass was recorded, which couplings need; `partial`, that it broke off;
`modules`, that only the module tree is known. Rules that need more than there is stay silent, and a note says so. Where
inputs were guessed wrong, or could not be guessed, `--input` or `example_inputs` give them. The last two columns are
about models that were traced: where the code depends on values of weights or inputs, one outcome was assumed; where
channels run through an operation of which it is not known what it does to them, they are not offered for removal.
"""


if __name__ == "__main__":
    main()
