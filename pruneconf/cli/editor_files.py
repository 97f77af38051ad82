"""Set an editor up for the configs of a model: schemas, the line of a config that names one, the editor's settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pruneconf.cli.arguments import note
from pruneconf.cli.schema_files import schema_file_text
from pruneconf.errors import PruneconfError
from pruneconf.graph.schema_file import MARK
from pruneconf.output.editors import EDITORS, Attached, patterns, with_schema_line

if TYPE_CHECKING:
    from pruneconf.graph import ModelGraph

FOLDER = ".pruneconf"


def set_up(editor: str, graph: ModelGraph, model: str, config: Path, starter: str) -> None:
    """Write what an editor needs, in the current directory; what is there is added to, and all or nothing is written.

    `starter` is the text of the config where there is none yet.
    """
    chosen = EDITORS[editor]
    texts: dict[Path, str] = {}
    attached: list[Attached] = []
    for flavour in chosen.flavours:
        fitting = patterns(config.as_posix(), flavour)
        if fitting:
            path = Path(FOLDER, f"{config.stem}.{flavour}.schema.json")
            if MARK not in _read(path, f'"{MARK}"'):
                raise PruneconfError(f"`{path}` is there already and was not written by pruneconf: move it away")
            texts[path] = schema_file_text(graph, model, path, flavour)
            attached.append(Attached(path.as_posix(), fitting))
    text = _read(config, starter)
    texts[config] = with_schema_line(text, config.as_posix(), attached[0].schema, chosen)
    for name, make in chosen.files.items():
        texts[Path(name)] = make(name, _read(Path(name)), attached)
    for path, text in texts.items():
        _write(path, text)


def _read(path: Path, default: str = "") -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return default
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "it is not UTF-8"
        raise PruneconfError(f"cannot read `{path}`: {reason}; move it away, or mend it") from error


def _write(path: Path, text: str) -> None:
    is_there = path.exists()
    if is_there and _read(path) == text:
        note(f"`{path}` needs no change")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    except OSError as error:
        raise PruneconfError(f"cannot write `{path}`: {(error.strerror or str(error)).lower()}; mend that") from error
    note(f"{'changed' if is_there else 'wrote'} {path}")
