"""The same work on weights that are on a torch device: they stay there, and only what is needed comes over."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import torch

from pruneconf.errors import PruneconfError
from pruneconf.pruning.floats import Bits, Elements, Format

_WEIGHTS_OF_BITS = (128, 64, 32, 16, 8, 4, 2, 1)


@dataclass(frozen=True, slots=True, eq=False)
class DeviceArray:
    """Bit patterns on a torch device: a flat tensor of signed integers, since torch computes with few others.

    A slice of it is a copy in memory, as unsigned integers.
    """

    patterns: torch.Tensor

    @property
    def size(self) -> int:
        """How many elements there are."""
        return self.patterns.numel()

    def __getitem__(self, part: slice) -> Bits:
        return _unsigned(self.patterns[part])

    def sample(self, start: int, step: int, block: int) -> Bits:
        """The blocks of `block` elements with the numbers `start`, `start + step`, ..."""
        whole = self.patterns[: self.size - self.size % block]
        return _unsigned(whole.view(-1, block)[start::step].reshape(-1))

    def look(self, start: int, stop: int, own: Format, low: int, high: int) -> tuple[int, int, Bits]:
        """Of a stretch: how many patterns are NaN, how many magnitudes are below `low`, and those from there to `high`,
        in index order.
        """
        chunk = self.patterns[start:stop]
        keys = chunk & own.magnitude
        bad = chunk == -own.magnitude - 1 if own.nan_is_minus_zero else keys > own.infinity
        inside = keys[(keys >= low) & (keys <= high)]
        return int(bad.sum()), int((keys < low).sum()), _unsigned(inside)

    def mask(self, start: int, stop: int, own: Format, threshold: int, ties: int) -> torch.Tensor:
        """Zero the elements of a stretch whose magnitude is below the threshold, and of the first `ties` those at it.
        Which ones were kept, as bool.
        """
        chunk = self.patterns[start:stop]
        keys = chunk & own.magnitude
        keep = keys >= threshold
        keep[:ties] &= keys[:ties] != threshold
        chunk *= keep
        return keep

    def mask_by(self, start: int, keep: torch.Tensor) -> None:
        """Zero the elements from `start` on that are not to be kept."""
        self.patterns[start : start + keep.numel()] *= keep


@dataclass(frozen=True, slots=True, eq=False)
class Shipped:
    """Bit patterns in memory or in a file that are brought to a device stretch by stretch, to be looked at there."""

    elements: Elements
    device: torch.device

    @property
    def size(self) -> int:
        """How many elements there are."""
        return self.elements.size

    def __getitem__(self, part: slice) -> Bits:
        found: Bits = self.elements[part]
        return found

    def look(self, start: int, stop: int, own: Format, low: int, high: int) -> tuple[int, int, Bits]:
        """As `DeviceArray.look`."""
        return on_device(self.elements[start:stop], self.device).look(0, stop - start, own, low, high)


def shipped(elements: Elements, device: torch.device) -> Elements:
    """Elements that are looked at on a device: themselves where that is the CPU."""
    return elements if device.type == "cpu" else Shipped(elements, device)


def device_named(name: str) -> torch.device:
    """A torch device that weights can be brought to. Raises PruneconfError where there is no such one.

    Without a number it is the process's own, where `torchrun` has set `LOCAL_RANK`: processes share out the devices of
    a machine by turns.
    """
    try:
        device = torch.empty(0, device=_own(torch.device(name))).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0].rstrip(".")
        raise PruneconfError(f"cannot compute on `{name}`: {reason}; name a device that torch has here") from error
    if device.type == "meta":
        raise PruneconfError("cannot compute on `meta`, where tensors have no values; name a device such as `cuda`")
    return device


def _own(device: torch.device) -> torch.device:
    """Of devices of a kind, which a process is to use, before it touches any."""
    rank = os.environ.get("LOCAL_RANK", "")
    module = getattr(torch, device.type, None)
    if device.index is not None or not rank.isdecimal() or not hasattr(module, "device_count"):
        return device
    return torch.device(device.type, int(rank) % max(1, module.device_count()))


def _unsigned(patterns: torch.Tensor) -> Bits:
    signed = patterns.cpu().numpy()
    return signed.view(f"<u{signed.itemsize}")


def packed(keep: torch.Tensor) -> torch.Tensor:
    """A bool mask as one bit an element, the first in the highest bit of a byte, on its device."""
    bits = torch.nn.functional.pad(keep, (0, -keep.numel() % 8)).view(-1, 8)
    weights = torch.tensor(_WEIGHTS_OF_BITS, dtype=torch.uint8, device=keep.device)
    return (bits * weights).sum(dim=1, dtype=torch.uint8)


def on_device(bits: Bits, device: torch.device | str) -> DeviceArray:
    """Bit patterns in memory as ones on a device."""
    signed = np.ascontiguousarray(bits).view(f"<i{bits.dtype.itemsize}")
    return DeviceArray(torch.from_numpy(signed).to(device))
