"""One sentence for what went wrong in a user's code, with the user's own file and line."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path

from pruneconf.tracing.user_code import Project

_LONGEST = 160
_NO_NETWORK = "a graph is made without the network; set `HF_HUB_OFFLINE=0` to allow it"
ADVICE_ON_MEMORY = "make large tensors on the default device, where a graph needs no memory for them"
_BY_TEXT = (
    ("HF_HUB_OFFLINE", _NO_NETWORK),
    ("couldn't connect to", _NO_NETWORK),
    ("allocate memory", ADVICE_ON_MEMORY),
    ("MemoryError", ADVICE_ON_MEMORY),
)
_META = re.compile(r"(?<![a-z])meta(?![a-z])", re.IGNORECASE)


def describe(error: BaseException, project: Project, main: Path | None) -> str:
    """Where and what, without what to do: `line 12: NameError: name 'x' is not defined`.

    The line is the innermost one in the user's own files; its file is named unless it is `main`.
    """
    place = _place(error, project)
    if place is None:
        return _what(error)
    return f"{place_name(*place, main)}: {_what(error)}"


def place_name(file: str, line: int, main: Path | None) -> str:
    """A line as messages call it: `line 12` of `main`, or of another file, which is then named."""
    path = Path(os.path.realpath(file))
    if main is not None and path == main.resolve():
        return f"line {line}"
    here = Path.cwd().resolve()
    return f"`{path.relative_to(here) if path.is_relative_to(here) else path}` line {line}"


def advice(error: BaseException, main: Path | None) -> str:
    """What to do about an error."""
    text = str(error) or type(error).__name__
    if isinstance(error, SystemExit):
        return 'put what runs as a script under `if __name__ == "__main__":`'
    if isinstance(error, SyntaxError):
        return "mend that line"
    if isinstance(error, ImportError) and "relative import" in text and main is not None:
        package = main.resolve().parent
        return f"name it as `{package.name}.{main.stem}:attr` from the directory that holds `{package.name}`"
    if isinstance(error, ModuleNotFoundError) and (error.name or ".").isidentifier():
        return _advice_on_missing(str(error.name), main)
    return next((advice for words, advice in _BY_TEXT if words in text), "`--debug` shows the traceback")


def needs_values(error: BaseException | None) -> bool:
    """Whether an error comes from tensors on the meta device having no values, and not from a plain mistake."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        # NotImplementedError is a RuntimeError; a KeyError or FileNotFoundError that says "meta" is the user's.
        if isinstance(error, RuntimeError | TypeError | ValueError) and _META.search(str(error)):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _place(error: BaseException, project: Project) -> tuple[str, int] | None:
    if isinstance(error, SyntaxError) and error.filename and error.lineno and project.owns(error.filename):
        return error.filename, error.lineno
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if project.owns(frame.f_code.co_filename)
    ]
    return frames[-1] if frames else None


def _what(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "it exits"
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    message = " ".join(message.split())
    if len(message) > _LONGEST:
        message = message[:_LONGEST].rstrip() + " …"
    kind = type(error).__name__
    return f"{kind}: {message.rstrip('.')}" if message else kind


def _advice_on_missing(package: str, main: Path | None) -> str:
    here = Path.cwd()
    if main is not None and ((here / package).is_dir() or (here / f"{package}.py").is_file()):
        return f"`{package}` is in the current directory: name the model as `{_as_module(main)}:attr`"
    elsewhere = ", or run it from the directory that holds it" if main is None else ""
    return f"install `{package}` where pruneconf runs{elsewhere}"


def _as_module(path: Path) -> str:
    here = Path.cwd().resolve()
    full = path.resolve()
    relative = full.relative_to(here) if full.is_relative_to(here) else Path(full.parent.name, full.name)
    return ".".join(relative.with_suffix("").parts)
