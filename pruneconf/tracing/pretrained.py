"""A transformers directory: the class that `config.json` names, with or without the weights beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from pruneconf.errors import PruneconfError


def load_pretrained(directory: Path, *, weights: bool) -> nn.Module:
    """The model of a transformers directory, on the default device; with `weights`, those of the directory.

    Runs no code that the directory brings along. Raises PruneconfError where transformers is missing or refuses.
    """
    try:
        import transformers
    except ImportError as error:
        raise PruneconfError(
            f"`{directory}` is a transformers model; install transformers where pruneconf runs"
        ) from error
    try:
        model: nn.Module = _load(transformers, directory, weights=weights)
    except Exception as error:
        reason = " ".join(str(error).split())[:160].rstrip(".")
        raise PruneconfError(
            f"transformers cannot load `{directory}`: {reason}; write a `model.py` that builds it"
        ) from error
    return model


def _load(transformers: Any, directory: Path, *, weights: bool) -> Any:
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    config = transformers.AutoConfig.from_pretrained(directory, **local)
    named = [getattr(transformers, name) for name in config.architectures or () if hasattr(transformers, name)]
    kind = named[0] if named else transformers.AutoModel
    if weights:
        return kind.from_pretrained(directory, config=config, dtype="auto", **local)
    if named:
        return kind._from_config(config)  # noqa: SLF001 (only the Auto classes have a public one)
    return kind.from_config(config, trust_remote_code=False)
