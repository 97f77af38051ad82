"""`pruneconf convert`."""

from __future__ import annotations

from pathlib import Path

import click

from pruneconf.cli.arguments import debug_option, note, read_lists, write_new
from pruneconf.errors import PruneconfError


@click.command("convert", short_help="Write a config as YAML, from Python and other forms of NNI.")
@click.argument("config")
@click.option("--to", "form", type=click.Choice(["v2", "v3"]), default="v2", show_default=True, help="The form of NNI.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.")
@debug_option
def command(config: str, form: str, output: Path | None) -> None:
    """Write CONFIG as YAML: from YAML, JSON or a list in Python source, in the form of NNI v1, v2 or v3.

    What cannot be carried over is said, and stands in comments where it was. Comments are kept.
    """
    from pruneconf.config import only
    from pruneconf.convert import parts_of, to_v2, to_v3, yaml_text
    from pruneconf.convert.to_v2 import is_v3

    reading = only(read_lists(config))
    for problem in reading.document.problems:
        raise PruneconfError(f"`{config}` cannot be converted, {problem.message}: run `pruneconf lint {config}`")
    parts = parts_of(reading.document, reading.path)
    if not parts.items or any(fault.rule == "PC004" for fault in reading.faults):
        raise PruneconfError(f"`{config}` holds no list of sub-configs: run `pruneconf lint {config}`")
    if form == "v3" and is_v3(parts.items):
        raise PruneconfError(f"`{config}` is in the form of NNI v3 already: nothing to convert")
    parts = parts._replace(items=(to_v2 if form == "v2" else to_v3)(parts.items))
    for item in parts.items:
        for said in item.notes:
            note(f"sub-config {item.index}: {said}")
    text = yaml_text(parts)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_new(output, text)
        note(f"wrote {output}")
