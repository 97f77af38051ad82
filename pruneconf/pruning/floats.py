"""Floating-point weights as the unsigned integers that their bits spell.

Without its sign bit, an IEEE 754 pattern is ordered as the magnitude it stands for: 0, subnormals, normals, infinity,
NaN. Ranking by these integers is exact, needs no arithmetic on floats, and puts -0 and 0 in one place.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

Bits = npt.NDArray[np.unsignedinteger[Any]]
"""Bit patterns of weights or, without their sign bits, of magnitudes."""

Bools = npt.NDArray[np.bool_]

Counts = npt.NDArray[np.int64]


class Elements(Protocol):
    """Bit patterns in memory or in a file: their number, and stretches of them."""

    @property
    def size(self) -> int:
        """How many elements there are."""
        ...

    def __getitem__(self, part: slice, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A floating-point format: its name in torch and in safetensors, its width in bits, the pattern of infinity.

    `infinity` is that of the highest number where there is no infinity. What lies above it is NaN; or, where
    `nan_is_minus_zero`, nothing does, and the pattern that is -0 elsewhere is the only NaN.
    """

    name: str
    code: str
    width: int
    infinity: int
    nan_is_minus_zero: bool = False

    @property
    def unsigned(self) -> np.dtype[Any]:
        """The integer type of its patterns."""
        return np.dtype(f"<u{self.width // 8}")

    @property
    def magnitude(self) -> int:
        """Every bit but the sign."""
        return (1 << self.width - 1) - 1

    def value(self, pattern: int) -> float:
        """The number that a pattern stands for."""
        return float(values(np.array([pattern], self.unsigned), self)[0])


FLOAT16 = Format("float16", "F16", 16, 0x7C00)
BFLOAT16 = Format("bfloat16", "BF16", 16, 0x7F80)
FLOAT32 = Format("float32", "F32", 32, 0x7F80_0000)
FLOAT64 = Format("float64", "F64", 64, 0x7FF0_0000_0000_0000)
FLOAT8S = (
    Format("float8_e4m3fn", "F8_E4M3", 8, 0x7E),
    Format("float8_e5m2", "F8_E5M2", 8, 0x7C),
    Format("float8_e4m3fnuz", "F8_E4M3FNUZ", 8, 0x7F, nan_is_minus_zero=True),
    Format("float8_e5m2fnuz", "F8_E5M2FNUZ", 8, 0x7F, nan_is_minus_zero=True),
)
FORMATS = (FLOAT16, BFLOAT16, FLOAT32, FLOAT64, *FLOAT8S)


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The weights of one layer: flat, row-major, as bit patterns of `format`. `layer` is its name in messages."""

    layer: str
    format: Format
    bits: Elements


def common(formats: set[Format]) -> Format:
    """The narrowest format that holds every number of all these formats."""
    if len(formats) == 1:
        return next(iter(formats))
    return FLOAT64 if FLOAT64 in formats else FLOAT32


def magnitudes(bits: Bits, own: Format, to: Format | None = None) -> Bits:
    """The patterns of |w|, in their own format or in one that holds every number of it."""
    mine: Bits = np.bitwise_and(bits, own.unsigned.type(own.magnitude))
    if to is None or to is own:
        return mine
    return values(mine, own).astype(f"<f{to.width // 8}").view(to.unsigned)


def count_nan(bits: Bits, own: Format) -> int:
    """How many patterns stand for NaN."""
    if own.nan_is_minus_zero:
        return int(np.count_nonzero(bits == own.magnitude + 1))
    return int(np.count_nonzero(magnitudes(bits, own) > own.infinity))


def narrowed(pattern: int, wide: Format, own: Format) -> int:
    """The lowest pattern in a layer's own format that stands for no less than a pattern in a wider one does.

    One more than all that it has where it has no such number.
    """
    if own is wide:
        return pattern
    value = wide.value(pattern)
    return bisect_left(range(own.infinity + 1), value, key=own.value)


def values(bits: Bits, own: Format) -> npt.NDArray[np.floating[Any]]:
    """The numbers that patterns stand for, in a float type that holds them exactly."""
    if own is BFLOAT16:  # the upper half of a float32
        return (bits.astype(np.uint32) << 16).view(np.float32)
    if own in FLOAT8S:
        return _table(own)[bits]
    return bits.view(f"<f{own.width // 8}")


@cache
def _table(own: Format) -> npt.NDArray[np.floating[Any]]:
    """What each of the 256 patterns of a small format stands for."""
    every = torch.arange(256, dtype=torch.int16).to(torch.uint8)
    found: npt.NDArray[np.floating[Any]] = every.view(getattr(torch, own.name)).float().numpy()
    return found
