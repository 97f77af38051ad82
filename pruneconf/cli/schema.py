"""`pruneconf schema`."""

from __future__ import annotations

from pathlib import Path

import click

from pruneconf.cli.arguments import ModelOptions, model_options
from pruneconf.errors import PruneconfError


@click.command("schema", short_help="Print the JSON Schema of a config.")
@click.option("--model", metavar="MODEL", help="Make the schema of the configs for this model, with its layers.")
@click.option(
    "--for",
    "flavour",
    type=click.Choice(["yaml", "json", "jetbrains"]),
    help="Who reads it: a YAML language server (default), VS Code for configs in JSON, a JetBrains IDE.",
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write it there.")
@click.option(
    "--max-names",
    metavar="N",
    type=click.IntRange(1, 10_000),
    help="How many names to offer at most. [default: 2000; 1<=x<=10000]",
)
@model_options
def command(
    model: str | None, flavour: str | None, output: Path | None, max_names: int | None, options: ModelOptions
) -> None:
    """Print the JSON Schema of a pruning config, for editors and other validators.

    With a model, editors complete the names and types of its layers, explain and check them.
    """
    if model is None:
        if flavour or max_names or options.inputs:
            raise PruneconfError("`--for`, `--max-names` and `--input` are about a model: name it with `--model`")
        from pruneconf.config.schema import schema_text

        text = schema_text()
    else:
        from pruneconf.cli.schema_files import text_for

        text = text_for(model, output, flavour or "yaml", max_names, options)
    if output is None:
        click.echo(text, nl=False)
        return
    from pruneconf.cli.schema_files import write

    write(output, text)
