"""A comment silences a rule that does not exist.

## What it does
Reports every name in `# pruneconf: ignore[…]` that is neither the code nor the name of a rule, and offers the one that
was most likely meant; and comments that begin like one and are not understood.

## Why is this bad?
The comment silences nothing, and what it was to silence is reported as if it were not there.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5  # pruneconf: ignore[overlaping-sub-configs]
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Fix safety
Unsafe: it writes the rule whose name is nearest, where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.document.edits import Edit
from pruneconf.findings import Finding, Fix, Label
from pruneconf.findings.directives import Directive, directives
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.comments.suppress import Silence, concerns, silences
from pruneconf.rules.context import Context
from pruneconf.rules.registry import all_rules
from pruneconf.suggest import did_you_mean, nearest


@rule("PC902", "unknown-rule", severity=ERROR, needs="text", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for directive in directives(ctx.document):
        if not directive.words and _is_mine(ctx, directive):
            yield _misunderstood(ctx, directive)
    for silence in silences(ctx.document):
        if silence.code is None and _is_mine(ctx, silence.directive):
            yield _unknown(ctx, silence)


def _is_mine(ctx: Context, directive: Directive) -> bool:
    """Whether no other list of the file reports it."""
    return not ctx.document.is_python or concerns(ctx.reading, directive)


def _misunderstood(ctx: Context, directive: Directive) -> Finding:
    place = Label(ctx.document, "", directive.start, directive.end)
    message = f"`pruneconf: {directive.verb}` names no rule"
    if directive.verb not in {"ignore", "ignore-file"}:
        message = f"`pruneconf: {directive.verb}` is not understood"
    help_ = "write `# pruneconf: ignore[PC302]`, or `ignore-file[PC302]` at the top of the file"
    return Finding(ctx.rule, ctx.rule.severity, message, place, help_)


def _unknown(ctx: Context, silence: Silence) -> Finding:
    word = silence.word
    names = [name for known in all_rules() for name in (known.info.code, known.info.name)]
    near = nearest(word.text, names)
    fix = Fix(f"replace with `{near[0]}`", False, (Edit(word.start, word.end, near[0]),)) if near else None
    place = Label(ctx.document, "", word.start, word.end)
    help_ = did_you_mean(near) or "`pruneconf rules` lists them"
    return Finding(ctx.rule, ctx.rule.severity, f"there is no rule `{word.text}`", place, help_, fix=fix)
