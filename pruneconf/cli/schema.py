"""`pruneconf schema`."""

from __future__ import annotations

import click


@click.command("schema", short_help="Print the JSON Schema of a config.")
def command() -> None:
    """Print the JSON Schema of a pruning config, for editors and other validators."""
    from pruneconf.config.schema import schema_text

    click.echo(schema_text(), nl=False)
