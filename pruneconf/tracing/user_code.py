"""Running a user's code inside this process as `python model.py` would, and leaving no trace of it."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

_INSTALLED = ("site-packages", "dist-packages")
_NOT_THE_USERS = tuple(
    os.path.realpath(path)
    for path in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), Path(__file__).parents[1])
)


@dataclass(frozen=True, slots=True)
class Project:
    """The directories whose files are the user's own: the model's and the current one."""

    roots: tuple[Path, ...]

    @classmethod
    def around(cls, path: Path | None) -> Project:
        """The project of a model file, or of a module that is looked for from the current directory."""
        here = Path.cwd().resolve()
        return cls((here,) if path is None else (path.resolve().parent, here))

    def owns(self, path: str) -> bool:
        """Whether a file or directory is the user's own, and not the standard library's or an installed package's."""
        if not os.path.exists(path):  # noqa: PTH110 (code may stem from `<string>`)
            return False
        real = Path(os.path.realpath(path))
        if any(real.is_relative_to(directory) for directory in _NOT_THE_USERS):
            return False
        below = (real.relative_to(root) for root in self.roots if real.is_relative_to(root))
        return any(not set(_INSTALLED) & set(relative.parts) for relative in below)


@contextmanager
def running(project: Project, name: str, device: str | None) -> Iterator[list[Path]]:
    """A place to import and call a user's code in; tensors are made on `device` unless the code says otherwise.

    As with `python model.py`, the code's directory comes first on `sys.path` and `sys.argv` holds its name alone.
    What it prints goes to stderr. Afterwards `sys.path`, `sys.argv`, torch's defaults and the modules that belong to
    the project are as they were; the list that is given out then holds the project's files that were imported.
    """
    import torch

    before = set(sys.modules)
    path, argv, no_bytecode, dtype = sys.path[:], sys.argv, sys.dont_write_bytecode, torch.get_default_dtype()
    files: list[Path] = []
    importlib.invalidate_caches()
    try:
        sys.path.insert(0, str(project.roots[0]))
        sys.argv = [name]
        sys.dont_write_bytecode = True
        # A default, not a `with torch.device(...)`: code that sets a default of its own would leave that one torn open.
        torch.set_default_device(device)
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*copying from a non-meta parameter")
            yield files
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(dtype)
        files.extend(_forget(project, set(sys.modules) - before))
        sys.path[:], sys.argv, sys.dont_write_bytecode = path, argv, no_bytecode


def import_file(path: Path) -> ModuleType:
    """Run a file as a module of its own name."""
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None  # noqa: S101 (the suffix is `.py`)
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickles look for their module
    spec.loader.exec_module(module)
    return module


def _forget(project: Project, names: set[str]) -> Iterator[Path]:
    """Drop the project's modules, so that another model may bring modules of the same names; their files."""
    own = [name for name in sorted(names) if any(map(project.owns, _places(sys.modules[name])))]
    for name in own:
        module = sys.modules.pop(name)
        if module.__file__:
            yield Path(module.__file__).resolve()


def _places(module: ModuleType) -> list[str]:
    members = getattr(module, "__dict__", {})  # not by attribute: a lazy module would load itself
    file = members.get("__file__")
    return [file] if file else list(members.get("__path__", ()))  # a namespace package has no file
