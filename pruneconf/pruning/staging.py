"""A directory that appears whole or not at all.

It is written under a hidden name beside its place, `.OUT.pruneconf-XXXX`, and renamed when everything is on the disk.
While its process lives it holds a lock on the hidden directory; the lock ends with the process, however that ends, so
that a later run can tell what is left over from a run that was killed, and clears it away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pruneconf.errors import PruneconfError

try:
    import fcntl
except ImportError:  # Windows has no such locks: there, as on disks without locks, leftovers stay
    fcntl = None  # type: ignore[assignment]

_OLD = ".old"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def prepare(
    out: Path,
    inputs: Iterable[Path],
    folder: Path | None,
    *,
    force: bool,
    clear: bool = True,
    keep: Callable[[Path], object] | None = None,
) -> Path:
    """The resolved path of an output directory, or PruneconfError where nothing may be written there.

    Clears away what killed runs left beside it, except where `keep` finds something in it, unless `clear` is off. With
    `force` a directory that is not empty may be replaced, but never one that holds an input file or the working
    directory. `folder` is the input directory, if there is one: it must not receive the output either.
    """
    place = Path(os.path.realpath(out))
    for path in inputs:
        if place in Path(os.path.realpath(path)).parents:
            raise PruneconfError(f"`{out}` holds the input `{path}`, which is never overwritten; choose another output")
    if folder and Path(os.path.realpath(folder)) in (place, *place.parents):
        raise PruneconfError(f"`{out}` lies inside the input directory `{folder}`; choose a place outside")
    if place.exists() and not place.is_dir():
        raise PruneconfError(f"`{out}` is a file; choose a directory that does not exist yet")
    if not place.parent.is_dir():
        raise PruneconfError(f"there is no directory `{place.parent}` to write `{place.name}` into; create it first")
    with explained(place):
        _check_writable(place.parent)
        if clear:
            _clear_leftovers(place, keep)
        filled = place.is_dir() and any(place.iterdir())
    if filled:
        if not force:
            raise PruneconfError(f"`{out}` is not empty; choose another output, or replace it with `--force`")
        if place in (Path.cwd(), *Path.cwd().parents):
            raise PruneconfError(f"`{out}` holds the working directory and cannot be replaced; choose another output")
    return place


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextlib.contextmanager
def staged(
    place: Path, *, force: bool, resume: bool = False, unless: tuple[type[Exception], ...] = ()
) -> Iterator[Path]:
    """A hidden directory to write into; it takes its place when the block ends, and vanishes where it fails, unless by
    one of these exceptions, after which it can be resumed.

    To resume is to get the directory of a killed run, with what it wrote, where there is one (see `leftover`).
    With `force`, a directory that is there already is moved aside first, and back if the new one cannot take its
    place. An OSError (disk full, no permission) becomes a PruneconfError.
    """
    with explained(place):
        folder, lock = (_adopt(place) if resume else None) or _create(place)
        kept = False
        try:
            yield folder
            for path in (*folder.rglob("*"), folder):
                _sync(path)
            if force and place.exists():
                _replace(place, folder)
            else:
                folder.rename(place)
            _sync(place.parent)
        except unless:
            kept = True
            raise
        finally:
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)
            _unlock(lock)


@contextlib.contextmanager
def explained(place: Path) -> Iterator[None]:
    """Turn what the system refuses into a PruneconfError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise PruneconfError(
                f"there is no room for `{place}` on its disk; nothing was written, choose another output"
            ) from error
        reason = (error.strerror or str(error)).lower()
        remedy = "allow more of them (`ulimit -n`)" if error.errno == errno.EMFILE else "choose another output"
        raise PruneconfError(f"cannot write `{place}`: {reason}; nothing was written, {remedy}") from error


def _replace(place: Path, folder: Path) -> None:
    old = folder.with_name(folder.name + _OLD)
    lock = _lock(place)
    place.rename(old)
    try:
        folder.rename(place)
    except BaseException:
        old.rename(place)
        raise
    finally:
        _unlock(lock)
    _sync(place.parent)  # or a power cut might leave the old directory at its place, emptied
    shutil.rmtree(old, ignore_errors=True)


def _create(place: Path) -> tuple[Path, int | None]:
    """A new hidden directory and its lock."""
    while True:
        folder = place.with_name(_prefix(place) + secrets.token_hex(4))
        folder.mkdir()
        lock = _lock(folder)
        if (lock is not None or not _lockable(folder.parent)) and folder.exists():
            return folder, lock
        _unlock(lock)  # another run took it for a leftover before it was locked


def leftover(place: Path) -> Path | None:
    """What a killed run left of an output directory, or None."""
    found = (path for path in sorted(place.parent.iterdir()) if path.name.startswith(_prefix(place)))
    return next((path for path in found if not path.name.endswith(_OLD)), None)


def _adopt(place: Path) -> tuple[Path, int | None] | None:
    folder = leftover(place)
    if folder is None:
        return None
    lock = _lock(folder)
    if lock is None and _lockable(folder.parent):
        raise PruneconfError(f"another run is writing `{place}`; wait until it has ended")
    return folder, lock


def _clear_leftovers(place: Path, keep: Callable[[Path], object] | None) -> None:
    for left in [path for path in place.parent.iterdir() if path.name.startswith(_prefix(place))]:
        lock = _lock(left)
        if lock is None:
            continue
        if not left.name.endswith(_OLD) and keep and keep(left):
            _unlock(lock)
            continue
        if left.name.endswith(_OLD) and not place.exists():
            left.rename(place)  # the run was killed between the two renames of `_replace`
        else:
            shutil.rmtree(left, ignore_errors=True)
        _unlock(lock)


def _prefix(place: Path) -> str:
    return f".{place.name}.pruneconf-"


def _lock(folder: Path) -> int | None:
    """A descriptor that holds the lock on a directory, or None where another process has it or it cannot be had."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _lockable(folder: Path) -> bool:
    """Whether the disk of a directory has locks: some network file systems do without, and Windows."""
    if fcntl is None:
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _sync(path: Path) -> None:
    if fcntl is None:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
