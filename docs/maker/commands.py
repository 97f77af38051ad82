"""The reference of the command line, from the help texts of the commands themselves."""

from __future__ import annotations

import inspect

import click

from pruneconf.cli import COMMANDS, cli

HEAD = """\
# Commands

Generated from what `pruneconf COMMAND --help` prints. What all commands share (models, configs, exit status, output)
stands in the [overview](index.md).
"""


def commands_page() -> str:
    """The page with every command, its arguments and options."""
    context = click.Context(cli, info_name="pruneconf")
    commands = [(name, cli.get_command(context, name)) for name in COMMANDS]
    return HEAD + "".join(_section(name, command, context) for name, command in commands if command)


def _section(name: str, command: click.Command, parent: click.Context) -> str:
    context = click.Context(command, info_name=name, parent=parent)
    usage = f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    text = inspect.cleandoc(command.help or "").replace("\b\n", "").replace("*", r"\*")
    options = [_option(each, context) for each in command.params if isinstance(each, click.Option) and not each.hidden]
    return f"\n## {name}\n\n```text\n{usage}\n```\n\n{text}\n\n{''.join(options)}"


def _option(option: click.Option, context: click.Context) -> str:
    names, text = option.get_help_record(context) or ("", "")
    return f"- `{names}`<br>{text.replace('  [', ' [')}\n" if text else f"- `{names}`\n"
