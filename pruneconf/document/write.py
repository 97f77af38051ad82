"""Write a text to a file, whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISREG
from tempfile import mkstemp

from pruneconf.document.document import Document
from pruneconf.document.source import encode
from pruneconf.errors import PruneconfError

_ANYBODY = 0o222


def rewrite(document: Document, text: str) -> None:
    """Replace the file that a document was read from, or that a symbolic link there names, by `text`.

    Its mode stays. Raises PruneconfError, and leaves the file as it is, where it may not be written or has changed
    since it was read.
    """
    name = document.name
    target = Path(os.path.realpath(name))
    try:
        mode = target.stat().st_mode
        if not S_ISREG(mode):
            raise PruneconfError(f"`{name}` is no regular file: write the fixes into one")
        if not mode & _ANYBODY or not os.access(target, os.W_OK):
            raise PruneconfError(f"`{name}` is read-only: make it writable, or see the fixes with `--diff`")
        replace(target, encode(text, document.encoding), S_IMODE(mode), encode(document.text, document.encoding))
    except OSError as error:
        raise PruneconfError(f"cannot write `{name}`: {(error.strerror or str(error)).lower()}") from error


def replace(target: Path, data: bytes, mode: int, expected: bytes | None = None) -> None:
    """Put a file with these bytes and this mode in the place of another, in one step.

    Raises PruneconfError where `expected` is given and is not what the file holds; raises OSError as the system does.
    """
    descriptor, name = mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - it is a descriptor
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        if expected is not None:
            _check_unchanged(target, expected)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _check_unchanged(target: Path, expected: bytes) -> None:
    if target.read_bytes() != expected:
        raise PruneconfError(f"`{target}` has changed since it was read: it is left as it is, run this again")
