"""`pruneconf server`."""

from __future__ import annotations

import gc

import click


@click.command("server", short_help="Run the language server on standard input and output.")
def command() -> None:
    """Run the language server on standard input and output: an editor starts it, with no arguments.

    It needs `pip install 'pruneconf[server]'`, and no torch: it reads the model from a *.graph.json file.
    """
    from pruneconf.server import serve

    gc.enable()  # it runs for days
    serve()
