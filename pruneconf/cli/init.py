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
@click.option(
    "--editor",
    type=click.Choice(["vscode", "neovim", "jetbrains"]),
    help="Also write what the editor needs to complete and check layer names; a config that is there is kept.",
)
@model_options
def command(model: str, output: Path, editor: str | None, options: ModelOptions) -> None:
    """Write a config for MODEL to start from: its parts and sizes in comments, the sensitive layers excluded.

    With --editor also a schema of the model in `.pruneconf/`, a first line of the config that names it, and the
    settings of the editor, in the current directory. Files that are there are added to, never replaced.
    """
    from pruneconf.output.starter import starter
    from pruneconf.output.style import command_line

    printed = str(output) == "-"
    if not printed and output.suffix not in {".yaml", ".yml"}:
        raise PruneconfError(f"`{output}` would not be read as YAML: call it `{output.with_suffix('.yaml')}`")
    if printed and editor:
        raise PruneconfError("`--editor` names the config in files: give it a name with `-o`")
    graph = current_graph_of(model, options)
    is_kept = bool(editor) and output.exists()
    text = "" if is_kept else starter(graph, model, "pruneconf.yaml" if printed else str(output))
    if printed:
        click.echo(text, nl=False)
        return
    if editor:
        from pruneconf.cli.editor_files import set_up

        set_up(editor, graph, model, output, text)
    else:
        write_new(output, text)
        note(f"wrote {output}")
    click.echo(f"next: {command_line('pruneconf', 'show', model, str(output))}")
