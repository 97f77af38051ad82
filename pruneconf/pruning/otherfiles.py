"""What lies beside the weights in a checkpoint's directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pruneconf.errors import PruneconfError


def files_below(folder: Path, but: tuple[str, ...], above: tuple[str, ...] = ()) -> Iterator[Path]:
    """The files of a directory and, through links too, of those in it, in order; without hidden ones, and without those
    directly in it whose names end like one of `but`. `above` are the directories that it lies in.

    Raises PruneconfError where something is in the way of copying them all.
    """
    here = os.path.realpath(folder)
    if here in above:
        raise PruneconfError(f"`{folder}` leads back to a directory that it lies in; remove that link")
    try:
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or (path.name.endswith(but) and not path.is_dir()):
                continue
            if path.is_dir():
                yield from files_below(path, (), (*above, here))
            else:
                _check(path)
                yield path
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PruneconfError(f"cannot read `{error.filename}`: {reason}; check its permissions") from error


def _check(path: Path) -> None:
    if path.is_symlink() and not path.exists():
        raise PruneconfError(f"`{path}` is a link to `{path.readlink()}`, which is not there; mend or remove the link")
    if not path.is_file():
        raise PruneconfError(f"`{path}` is no file that can be copied; remove it")
    if not os.access(path, os.R_OK):
        raise PruneconfError(f"cannot read `{path}`: permission denied; check its permissions")
