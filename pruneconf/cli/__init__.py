"""The command line: click only. Each command stands in its own module and is imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from pruneconf.version import __version__

COMMANDS = {
    "lint": "Check configs; with a model, also against that model.",
    "show": "Show what a config will do to every layer of a model.",
    "apply": "Prune: write the masked weights, the masks and a report.",
    "verify": "Check that a pruned checkpoint satisfies a config.",
    "trace": "Write the model graph, so that later runs need no torch.",
    "schema": "Print the JSON Schema of a config.",
    "init": "Write a commented starter config for a model.",
    "convert": "Write a config as YAML, from Python and other forms of NNI.",
    "rules": "List the rules.",
    "explain": "Explain a rule, with examples.",
    "server": "Run the language server on standard input and output.",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when it is run; the help texts stand in `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"pruneconf.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names; an unknown one gets a suggestion."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from pruneconf.suggest import did_you_mean, nearest

            hint = did_you_mean(nearest(args[0], COMMANDS)) or f"the commands are {', '.join(COMMANDS)}"
            ctx.fail(f"no such command `{args[0]}`; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, written without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="pruneconf %(version)s")
def cli() -> None:
    """Check, plan and carry out the pruning of a neural network, from one config."""
