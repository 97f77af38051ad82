"""The process in which a model's code runs: it traces one model, writes what it found to a file, and is gone."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import signal
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TextIO

from pruneconf.errors import PruneconfError, bug_report
from pruneconf.tracing.memory import limit_memory
from pruneconf.tracing.order import LAST_WORDS, RESULT, Order
from pruneconf.tracing.reads import reads_of, watch_reads
from pruneconf.tracing.result import error_text, result_text

_SET_PARENT_DEATH_SIGNAL = 1


def main(order: str, folder: str) -> NoReturn:
    """Carry out an order (JSON) and leave the result in a folder."""
    asked = Order(*json.loads(order))
    with Path(folder, LAST_WORDS).open("w") as last_words:
        faulthandler.enable(last_words)
        _die_with_parent()
        limit_memory()
        text = _result(asked, last_words)
        draft = Path(folder, f"{RESULT}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(Path(folder, RESULT))
        os._exit(0)  # the model's threads and exit hooks are not waited for


def _die_with_parent() -> None:
    """Do not outlive the process that waits for the result (Linux; elsewhere the time limit ends it)."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _result(order: Order, last_words: TextIO) -> str:
    try:
        return _traced(order, last_words)
    except PruneconfError as error:
        traceback.print_exception(error.__cause__ or error)  # seen with `--debug` only
        return error_text(str(error))
    except Exception as error:  # noqa: BLE001
        traceback.print_exception(error)
        return error_text(bug_report(error))
    except BaseException as error:  # noqa: BLE001 (`sys.exit` in a forward pass)
        traceback.print_exception(error)
        return error_text(_ended(order.target, error))


def _traced(order: Order, last_words: TextIO) -> str:
    opened, since = watch_reads(), time.time_ns()
    from pruneconf.tracing.inputs import parse_input
    from pruneconf.tracing.load import load_graph

    faulthandler.dump_traceback_later(order.timeout, exit=True, file=last_words)  # importing torch does not count
    base = Path(order.base)
    traced = load_graph(order.target, base, [parse_input(text) for text in order.inputs])
    sources = [(base / name).resolve() for name in traced.graph.sources]
    return result_text(traced, reads_of(opened, sources, since))


def _ended(target: str, error: BaseException) -> str:
    from pruneconf.tracing.failure import advice, describe
    from pruneconf.tracing.target import Code, locate
    from pruneconf.tracing.user_code import Project

    what = locate(target)
    main = what.path if isinstance(what, Code) else None
    return f"`{target}` cannot be traced: {describe(error, Project.around(main), main)}; {advice(error, main)}"
