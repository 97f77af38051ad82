"""`pruneconf explain`."""

from __future__ import annotations

import click

from pruneconf.errors import PruneconfError


@click.command("explain", short_help="Explain a rule, with examples.")
@click.argument("rule")
def command(rule: str) -> None:
    """Explain RULE (a code as `PC201`, or a name as `unknown-op-name`): what it finds, why, and what to write."""
    from pruneconf.rules.choose import unknown_rule
    from pruneconf.rules.registry import all_rules

    infos = [known.info for known in all_rules()]
    info = next((info for info in infos if rule.lower() in {info.code.lower(), info.name}), None)
    if info is None:
        raise PruneconfError(unknown_rule(rule, infos))
    fix = f", {info.fix} fix" if info.fix else ""
    click.echo(f"# {info.name} ({info.code})\n\n{info.severity.value}{fix}, needs: {info.needs}\n\n{info.doc}")
