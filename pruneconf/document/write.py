"""Write a text to a file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
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

    Its mode stays, and its owner where the system lets it. Raises PruneconfError, and leaves the file as it is, where
    it may not be written or has changed since it was read.
    """
    name = document.name
    target = Path(os.path.realpath(name))

    def check_unchanged() -> None:
        if target.read_bytes() != encode(document.text, document.encoding):
            raise PruneconfError(f"`{name}` has changed since it was read: it is left as it is, run this again")

    try:
        status = target.stat()
        if not S_ISREG(status.st_mode):
            raise PruneconfError(f"`{name}` is no regular file: write the fixes into one")
        if not status.st_mode & _ANYBODY or not os.access(target, os.W_OK):
            raise PruneconfError(f"`{name}` is read-only: make it writable, or see the fixes with `--diff`")
        replace(target, encode(text, document.encoding), status, check_unchanged)
    except OSError as error:
        raise PruneconfError(f"cannot write `{name}`: {(error.strerror or str(error)).lower()}") from error


def replace(target: Path, data: bytes, like: os.stat_result | int, check: Callable[[], None] = lambda: None) -> None:
    """Put a file with these bytes in the place of another, in one step, right after a last `check` that may raise.

    It gets the mode, and where the system lets it the owner, of `like`; or the mode that this is. Raises OSError.
    """
    descriptor, name = mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - it is a descriptor
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not isinstance(like, int) and hasattr(os, "chown"):
            with suppress(PermissionError):
                os.chown(name, like.st_uid, like.st_gid)
        Path(name).chmod(like if isinstance(like, int) else S_IMODE(like.st_mode))
        check()
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
