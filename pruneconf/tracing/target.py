"""What the user can name as MODEL, told apart without running any of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pruneconf.distcp import METADATA_FILE
from pruneconf.errors import PruneconfError
from pruneconf.suggest import like_file

_SAFETENSORS = (".safetensors", ".safetensors.index.json")
_WEIGHTS = (*_SAFETENSORS, ".pt", ".pth", ".bin", ".ckpt")


@dataclass(frozen=True, slots=True)
class Code:
    """Python code: a file or, where `path` is None, an importable module; without `attribute`, the usual names."""

    name: str
    path: Path | None
    attribute: str | None


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A transformers directory: `config.json` and perhaps weights."""

    directory: Path


@dataclass(frozen=True, slots=True)
class Weights:
    """A `.safetensors` file, the index of several, or the `.metadata` of torch.distributed.checkpoint, and nothing that
    says what model it is for.
    """

    path: Path


def locate(target: str) -> Code | Pretrained | Weights:
    """What a MODEL argument stands for.

    `model.py`, `model.py:attr`, `package.module:attr`, a transformers directory, a weights file in one, or weights
    alone: a file, or a directory of torch.distributed.checkpoint. Raises PruneconfError for anything else, and for
    files that are not there.
    """
    path = Path(target)
    if path.is_dir():
        return _directory(path)
    if target.endswith(_WEIGHTS):
        return _around_weights(path)
    name, attribute = _split(target)
    if name.endswith(".py"):
        return Code(name, _existing(Path(name)), attribute)
    if attribute is not None and _is_dotted(name):
        return Code(name, None, attribute)
    raise PruneconfError(
        f"`{target}` is no model; expected `model.py`, `model.py:attr`, `package.module:attr`, "
        "a graph file (`*.graph.json`), a transformers directory or a `.safetensors` file"
    )


def _directory(path: Path) -> Pretrained | Weights:
    if (path / METADATA_FILE).is_file():
        return _around_weights(path / METADATA_FILE)
    if not (path / "config.json").is_file():
        raise PruneconfError(
            f"the directory `{path}` has no `config.json`, so it is no transformers model; "
            "name the file that builds the model, e.g. `model.py`"
        )
    return Pretrained(path)


def locate_model(target: str) -> Code | Pretrained:
    """Find what a model is built from. Raises PruneconfError where it is not there, or is weights alone."""
    what = locate(target)
    if isinstance(what, Weights):
        raise PruneconfError(f"`{target}` holds weights and no model; name the code that builds it, e.g. `model.py`")
    return what


def _around_weights(path: Path) -> Pretrained | Weights:
    if not path.is_file():
        raise PruneconfError(f"there is no file `{path}`; {like_file(str(path))}")
    if _says_which_model(path.parent / "config.json"):
        return Pretrained(path.parent)
    if path.name.endswith((*_SAFETENSORS, METADATA_FILE)):
        return Weights(path)
    raise PruneconfError(
        f"`{path}` holds weights but not the types of the layers; name the code that builds the model, "
        "e.g. `model.py`, and give this file as `--weights`"
    )


def _says_which_model(config: Path) -> bool:
    """Whether this is a config of transformers: other libraries call theirs `config.json` too."""
    try:
        data = json.loads(config.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(data, dict) and "model_type" in data


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise PruneconfError(f"there is no file `{path}`; {like_file(str(path))}")
    return path


def _split(target: str) -> tuple[str, str | None]:
    """The part before the last colon and the attribute after it, if that can be one (a path may hold a colon)."""
    name, colon, attribute = target.rpartition(":")
    return (name, attribute) if colon and _is_dotted(attribute) else (target, None)


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
