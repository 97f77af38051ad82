"""What has to be known of a pickle before it is read."""

from __future__ import annotations

import re
from pickletools import genops

_RUN = re.compile(
    rb"(?s)(?:"
    rb"[]()012NQRabdelostu}\x81\x85-\x89\x8f-\x94\x97\x98]"  # opcodes without an argument
    rb"|[Khq\x80\x82]."  # with one of a byte
    rb"|[M\x83].."
    rb"|[Jj\x84].{4}"
    rb"|[G\x95].{8}"
    rb"|c[^\n]*\n[^\n]*\n"
    rb")*+"
)
_LENGTHS = {**dict.fromkeys(b"\x8a\x8cCU", 1), **dict.fromkeys(b"\x8bBTX", 4), **dict.fromkeys(b"\x8d\x8e\x96", 8)}
"""Of opcodes that a string or a number of any length follows: how many bytes say how long it is."""
_LONG_BINPUT, _STOP = b"r."


def check_memo(data: bytes) -> None:
    """Raise ValueError where a pickle would have memory taken for more objects than it can have."""
    at = 0
    while (at := _run_end(data, at)) < len(data) and data[at] != _STOP:
        code, start = data[at], at + 1
        if code in _LENGTHS:
            at = start + _LENGTHS[code]
            at += int.from_bytes(data[start:at], "little")
        elif code == _LONG_BINPUT:
            at = start + 4
            _check_place(int.from_bytes(data[start:at], "little"), data)
        else:
            _check_slowly(data)
            break


def _run_end(data: bytes, at: int) -> int:
    """Up to where opcodes of known length go."""
    found = _RUN.match(data, at)
    return found.end() if found else at


def _check_slowly(data: bytes) -> None:
    """The same for a pickle with opcodes of old, as text."""
    for opcode, argument, _ in genops(data):
        if opcode.name.endswith("PUT"):
            _check_place(int(argument or 0), data)


def _check_place(place: int, data: bytes) -> None:
    if place > len(data):
        raise ValueError("a place in the memo is out of reach")
