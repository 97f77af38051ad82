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
        config = transformers.AutoConfig.from_pretrained(directory, local_files_only=True)
        model: nn.Module = _load(transformers, config, directory if weights else None)
    except Exception as error:
        reason = " ".join(str(error).split())[:240].rstrip(".")
        raise PruneconfError(
            f"transformers cannot load `{directory}`: {reason}; write a `model.py` that builds it"
        ) from error
    return model


def _load(transformers: Any, config: Any, weights: Path | None) -> Any:
    named = [getattr(transformers, name) for name in config.architectures or () if hasattr(transformers, name)]
    if weights is not None:
        kind = named[0] if named else transformers.AutoModel
        return kind.from_pretrained(weights, config=config, dtype="auto", local_files_only=True)
    # A class that is no Auto class has this under a private name only; it applies the config's dtype.
    return named[0]._from_config(config) if named else transformers.AutoModel.from_config(config)  # noqa: SLF001
