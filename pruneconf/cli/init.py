"""`pruneconf init`."""

from __future__ import annotations

from pathlib import Path

import click

from pruneconf.cli.arguments import ModelOptions, current_graph_of, model_options, note, write_new
from pruneconf.errors import PruneconfError


@click.command("init", short_help="Write a commented starter config for a model.")
@click.argument("model")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("pruneconf.yaml"),
    show_default=True,
    help="Where to write it; `-` prints it.",
)
@model_options
def command(model: str, output: Path, options: ModelOptions) -> None:
    """Write a config for MODEL to start from: its parts and sizes in comments, the sensitive layers excluded."""
    from pruneconf.output.starter import starter
    from pruneconf.output.style import command_line

    printed = str(output) == "-"
    if not printed and output.suffix not in {".yaml", ".yml"}:
        raise PruneconfError(f"`{output}` would not be read as YAML: call it `{output.with_suffix('.yaml')}`")
    text = starter(current_graph_of(model, options), model, "pruneconf.yaml" if printed else str(output))
    if printed:
        click.echo(text, nl=False)
        return
    write_new(output, text)
    note(f"wrote {output}")
    click.echo(f"next: {command_line('pruneconf', 'show', model, str(output))}")
