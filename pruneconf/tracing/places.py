"""Which line of a model's source runs."""

from __future__ import annotations

import os
from pathlib import Path
from types import FrameType

import torch

_PACKAGES = ("site-packages", "dist-packages")
_INSIDE = tuple(os.path.realpath(path) + os.sep for path in (Path(torch.__file__).parent, Path(__file__).parents[1]))


class Places:
    """Names lines of source as seen from `root`; those of installed packages as seen from where they are installed."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._names: dict[str, str | None] = {}

    def of(self, frame: FrameType | None) -> str:
        """The innermost line outside torch and this package: `model.py:31`; empty where there is none."""
        while frame is not None:
            name = self._name(frame.f_code.co_filename)
            if name is not None:
                return f"{name}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def _name(self, file: str) -> str | None:
        if file not in self._names:
            self._names[file] = self._named(file)
        return self._names[file]

    def _named(self, file: str) -> str | None:
        if file.startswith("<"):
            return None
        real = os.path.realpath(file)
        if real.startswith(_INSIDE):
            return None
        parts = Path(real).parts
        for position in reversed(range(len(parts))):
            if parts[position] in _PACKAGES:
                return "/".join(parts[position + 1 :])
        path = Path(real)
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else path.name
