"""The entry point: every failure a user can cause becomes one sentence and an exit status."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

from pruneconf.errors import sentence

COULD_NOT_RUN = 2
INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line; exit status 0: nothing wrong, 1: findings, 2: it could not run.

    A run of the linter is over before collecting garbage would pay, and taking the interpreter apart module by module
    at the end would cost a seventh of it: both are left out.
    """
    gc.disable()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")
    try:
        status = _run()
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        status = 0
    atexit._run_exitfuncs()  # noqa: SLF001 - what others registered still runs
    os._exit(status)


def _run() -> int:
    import click

    from pruneconf.cli import cli

    try:
        status: int | None = cli.main(prog_name="pruneconf", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return COULD_NOT_RUN
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted", INTERRUPTED)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a sentence
        if "--debug" in sys.argv:
            _print_traceback(error)
        return _failed(sentence(error), COULD_NOT_RUN)
    return status or 0


def _print_traceback(error: Exception) -> None:
    import traceback

    traceback.print_exception(error)


def _failed(message: str, status: int) -> int:
    print(f"pruneconf: {message}", file=sys.stderr)  # noqa: T201 - the one place that says so
    return status


if __name__ == "__main__":
    main()
