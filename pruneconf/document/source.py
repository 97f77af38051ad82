"""From a file, standard input or a text to a Document."""

from __future__ import annotations

import os
import sys
from io import FileIO
from typing import BinaryIO

from pruneconf.document.document import Document, Parsed, Problem, locate
from pruneconf.document.nodes import Path
from pruneconf.errors import PruneconfError

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_MAX_BYTES = 4 * 1024 * 1024
_PART = 8 * 1024
_BYTE_ORDER_MARK = "\ufeff"


def read(name: str, *, stdin: BinaryIO | None = None, stdin_filename: str | None = None) -> tuple[Document, Path]:
    """The document at `name` and the path to the node in it that is meant.

    `name` is the path of a file, or `-` for standard input (`stdin`, or the process's own), which messages call
    `stdin_filename`. It may end in `#/json/pointer`; the path is empty otherwise, and where the text does not parse.
    Raises PruneconfError where there is nothing to read or the pointer leads nowhere.
    """
    place, pointer = _split(name)
    if place == "-":
        data = _read(stdin or sys.stdin.buffer)
        document = parse(data, stdin_filename or "<stdin>")
    else:
        document = parse(_read_file(place), place)
    return document, locate(document, pointer) if pointer and document.root else ()


def parse(source: str | bytes, name: str) -> Document:
    """The document that a text holds: JSON where `name` ends in `.json`, Python in `.py`, else YAML.

    Whatever is wrong with it is a problem of the document.
    """
    if len(source) > _MAX_BYTES:
        message = f"the file is larger than {_MAX_BYTES // 1024 // 1024} MiB"
        problem = Problem("PC003", message, 0, 0, "split it: no config needs as much")
        return Document(name, "", parsed=Parsed(None, (problem,)))
    if isinstance(source, bytes):
        return _decode(source, name)
    encoding = "utf-8-sig" if source.startswith(_BYTE_ORDER_MARK) else "utf-8"
    return Document(name, source.removeprefix(_BYTE_ORDER_MARK), encoding)


def encode(text: str, encoding: str) -> bytes:
    """The bytes of a file that holds `text`, with the byte order mark that `Document.encoding` remembers."""
    mark = next((mark for mark, marked in _MARKS.items() if marked == encoding), b"")
    return mark + text.encode(encoding.removesuffix("-sig"))


def _split(name: str) -> tuple[str, str]:
    if "#/" not in name or os.path.exists(name):  # noqa: PTH110 - Path.exists fails on a name that is too long
        return name, ""
    place, _, pointer = name.partition("#/")
    return place, "/" + pointer


def _read_file(place: str) -> bytes:
    try:
        with open(place, "rb", buffering=0) as file:  # noqa: PTH123 - pathlib would cost the linter's start 3 ms
            return _read(file)
    except FileNotFoundError:
        raise PruneconfError(f"there is no file `{place}`: {_like(place)}") from None
    except IsADirectoryError:
        raise PruneconfError(f"`{place}` is a directory: name a file in it") from None
    except (OSError, ValueError) as error:  # ValueError: the path holds a null character
        reason = getattr(error, "strerror", None) or str(error)
        raise PruneconfError(f"cannot read `{place}`: {reason.lower()}") from error


def _like(place: str) -> str:
    file, _, pointer = place.partition("#")
    if pointer and os.path.exists(file):  # noqa: PTH110
        return f"a place inside a file is named as `{file}#/{pointer}`, with a `/`"
    from pruneconf.suggest import like_file

    return like_file(place)


def _read(file: BinaryIO | FileIO) -> bytes:
    """All bytes, or one part more than the limit; in parts, because a buffer of the limit costs 13 us a file."""
    parts: list[bytes] = []
    size = 0
    while size <= _MAX_BYTES and (part := file.read(_PART)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _decode(data: bytes, name: str) -> Document:
    if b"\0" in data[:_PART] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problem = Problem("PC001", "the file holds binary data", 0, 0, "name a config: YAML or JSON, saved as UTF-8")
        return Document(name, "", parsed=Parsed(None, (problem,)))
    mark, encoding = next(((mark, name) for mark, name in _MARKS.items() if data.startswith(mark)), (b"", "utf-8"))
    body, codec = data.removeprefix(mark), encoding.removesuffix("-sig")
    try:
        return Document(name, body.decode(codec), encoding)
    except UnicodeDecodeError as error:
        at = len(body[: error.start].decode(codec))
        faulty = " ".join(f"0x{byte:02X}" for byte in body[error.start : error.end])
        what = f"byte `{faulty}` is" if error.end == error.start + 1 else f"bytes `{faulty}` are"
        message = f"the {what} no {codec.upper()} text"
        problem = Problem("PC001", message, at, at + 1, "save the file as UTF-8")
        return Document(name, body.decode(codec, "replace"), encoding, Parsed(None, (problem,)))
