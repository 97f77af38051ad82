"""A sub-config has a key that does not exist.

## What it does
Reports every key that is neither one of a sub-config nor a known one of another pruner, and offers the key that was
most likely meant. The key that is missing because of the mistake is not reported as well.

The keys are `op_types`, `op_names`, `op_partial_names`, `sparsity_per_layer`, `total_sparsity`,
`max_sparsity_per_layer`, `exclude`, and `sparsity`, which is deprecated.

## Why is this bad?
A misspelt key has no effect. NNI rejects the whole list, and where the misspelt key was a required one, its message
lists everything that is missing but never the typo.

## Example
```yaml
- op_types: [Conv2d]
  sparsity_per_layers: 0.5
```

## Use instead
```yaml
- op_types: [Conv2d]
  sparsity_per_layer: 0.5
```

## Fix safety
Safe where only capitals, hyphens or underscores differ (`opTypes`, `op-types`). Unsafe otherwise: the key that is
nearest in letters may not be the one that was meant. There is no fix where that key stands in the sub-config already.
"""

from __future__ import annotations

from collections.abc import Iterator

from pruneconf.config.foreign import meant, role
from pruneconf.document import Mapping, plain
from pruneconf.findings import Finding
from pruneconf.rules.base import ERROR, UNSAFE, rule
from pruneconf.rules.context import Context

_KEYS = (
    "a sub-config says where with `op_types`, `op_names` or `op_partial_names`, and how much with "
    "`sparsity_per_layer`, `total_sparsity` or `exclude: true`"
)
_ROLES = {
    "selector": "to select layers, write `op_types`, `op_names` or `op_partial_names`",
    "amount": "to say how much to prune, write `sparsity_per_layer` or `total_sparsity`",
    None: _KEYS,
}


@rule("PC101", "unknown-key", severity=ERROR, needs="schema", fix=UNSAFE)
def check(ctx: Context) -> Iterator[Finding]:
    for fault in ctx.faults():
        (key,) = fault.keys
        path = (*fault.path, key)
        near = meant(key)
        mapping, value = ctx.document.find(fault.path), ctx.document.find(path)
        taken = near is not None and isinstance(mapping, Mapping) and mapping.get(near) is not None
        fix = None
        if near is None:
            help_ = _ROLES[role(key, plain(value)) if value else None]
        elif taken:
            help_ = f"did you mean `{near}`? it stands here already: keep one of the two"
        else:
            help_ = f"did you mean `{near}`?"
            fix = ctx.replace(path, near, safe=_letters(key) == _letters(near), key=True)
        yield ctx.finding(path, f"there is no key `{key}`", key=True, help=help_, fix=fix)


def _letters(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "").replace(" ", "")
