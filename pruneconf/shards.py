"""The index of a checkpoint in several files (`model.safetensors.index.json`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from pruneconf.errors import PruneconfError


def read_index(path: Path, suffix: str = ".safetensors") -> tuple[bytes, Mapping[str, str]]:
    """The text of an index, and for each tensor the file beside it that holds it; files end in `suffix`.

    Raises PruneconfError where it is no index, or a file is missing.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PruneconfError(f"cannot read `{path}`: {reason}; check the path") from error
    try:
        weight_map: dict[str, str] = json.loads(text)["weight_map"]
        files = sorted(set(weight_map.values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PruneconfError(
            f"cannot read `{path}` as an index of shards; expected a `weight_map` from names to files"
        ) from error
    for file in files:
        if PurePosixPath(file).name != file or not file.endswith(suffix):
            raise PruneconfError(f"`{path}` names the shard `{file}`; expected a `{suffix}` file beside the index")
        if not (path.parent / file).is_file():
            raise PruneconfError(f"`{path}` names the shard `{file}`, which is missing; put it beside the index")
    return text, weight_map


def check_places(path: Path, weight_map: Mapping[str, str], shards: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Raise PruneconfError unless each tensor is in the file that the index names, and each name in one file only;
    `shards` are the files with the names of what they hold.
    """
    where: dict[str, str] = {}
    for file, names in shards:
        for name in names:
            if where.setdefault(name, file) != file:
                raise PruneconfError(
                    f"`{name}` is both in `{where[name]}` and in `{file}`, of which `{path}` can name only one; "
                    "remove it from the other"
                )
    for name, file in weight_map.items():
        if where.get(name) != file:
            raise PruneconfError(
                f"`{path}` says that `{name}` is in `{file}`, but it is not; write the checkpoint again"
            )
