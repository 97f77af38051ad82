"""The entry point: every failure a user can cause becomes one sentence and an exit status."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

from pruneconf.errors import PruneconfError, bug_report

COULD_NOT_RUN = 2
INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line; exit status 0: nothing wrong, 1: findings, 2: it could not run.

    A run of the linter is over before collecting garbage would pay, and taking the interpreter apart module by module
    at the end would cost a seventh of it: both are left out.
    """
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status = _run()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        status = 0
    atexit._run_exitfuncs()  # noqa: SLF001 - what others registered still runs
    os._exit(status)


def _run() -> int:
    import click

    from pruneconf.cli import cli

    try:
        status: int | None = cli.main(prog_name="pruneconf", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return COULD_NOT_RUN
    except PruneconfError as error:
        return _failed(str(error), COULD_NOT_RUN)
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted", INTERRUPTED)
    except MemoryError:
        return _failed("not enough memory for this model or file", COULD_NOT_RUN)
    except BrokenPipeError:
        raise
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        return _failed(bug_report(error), COULD_NOT_RUN)
    return status or 0


def _failed(message: str, status: int) -> int:
    print(f"pruneconf: {message}", file=sys.stderr)  # noqa: T201 - the one place that says so
    return status


if __name__ == "__main__":
    main()
