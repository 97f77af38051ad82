"""`pruneconf rules`."""

from __future__ import annotations

import click


@click.command("rules", short_help="List the rules.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(output_format: str) -> None:
    """List the rules: code, severity, what is needed, name, summary."""
    from pruneconf.rules.registry import all_rules

    infos = [rule.info for rule in all_rules()]
    if output_format == "json":
        import json

        keys = ("code", "name", "severity", "needs", "fix", "summary", "url")
        click.echo(json.dumps([{key: getattr(info, key) for key in keys} for info in infos], indent=1))
        return
    widest = max(len(info.name) for info in infos)
    for info in infos:
        click.echo(f"{info.code}  {info.severity.value:7}  {info.needs:6}  {info.name:{widest}}  {info.summary}")
