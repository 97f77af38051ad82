"""A layer keeps a number of channels that its groups do not allow.

## What it does
Under a structured pruner (`l1`, `l2`, `fpgm`, `random`): reports layers that keep a number of output channels which a
grouped convolution, a GroupNorm or an attention with several heads cannot work with, and names the next numbers that it
can.

## Why is this bad?
A grouped convolution and a GroupNorm need equally many channels in each group, attention needs whole heads. What is
masked beyond that stays in the model: it cannot be cut out.

## Example
With `--pruner l1`:
```layers
conv Conv2d 176x64x1x1
grouped Conv2d 176x22x3x3
coupled conv; grouped-convolution in 8 groups of grouped
```
```yaml
- op_names: [conv]
  sparsity_per_layer: 0.68
```

## Use instead
With `--pruner l1`:
```yaml
- op_names: [conv]
  sparsity_per_layer: 0.6819
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pruneconf.findings import Finding
from pruneconf.graph import Coupling, Limit, Side
from pruneconf.plan import LayerPlan
from pruneconf.rules.base import WARNING, rule
from pruneconf.rules.context import Context
from pruneconf.rules.structure.coupled import channels, cuts, joined, masked_channels
from pruneconf.rules.words import counted

_DIGITS = 10_000
_KINDS = {
    "grouped-convolution": "the grouped convolution `{}` needs",
    "group-norm": "the group norm `{}` needs",
    "attention-heads": "the attention heads of `{}` need",
}


class _Misfit(NamedTuple):
    """A layer that keeps a number of channels which is no multiple of `step`."""

    entry: LayerPlan
    step: int
    coupling: Coupling

    @property
    def kept(self) -> int:
        return channels(self.entry) - (masked_channels(self.entry) or 0)

    @property
    def allowed(self) -> list[int]:
        """The nearest numbers of channels that can stay, the smaller one first."""
        below = self.kept - self.kept % self.step
        return [number for number in (below, below + self.step) if 0 < number <= channels(self.entry)]


@rule("PC507", "group-divisibility", severity=WARNING, needs="graph")
def check(ctx: Context) -> Iterator[Finding]:
    by_decider: dict[int, dict[str, _Misfit]] = {}
    for cut in cuts(ctx.plan):
        if not cut.held and not cut.mismatched:
            for entry in cut.pruned:
                misfit = _Misfit(entry, _step(cut.coupling, entry), cut.coupling)
                if masked_channels(entry) is not None and misfit.kept % misfit.step:
                    by_decider.setdefault(entry.decided_by or 0, {})[entry.layer.name] = misfit
    for index, found in by_decider.items():
        yield _finding(ctx, index, list(found.values()))


def _step(coupling: Coupling, entry: LayerPlan) -> int:
    """What the number of channels that the layer keeps must be a multiple of; 1 where some are coupled otherwise."""
    runs = [each for each in coupling.members if each.layer == entry.layer.name and each.side is Side.OUT]
    if sum(run.size for run in runs) != channels(entry) or channels(entry) % coupling.units:
        return 1
    return channels(entry) // coupling.units * coupling.divisor


def _finding(ctx: Context, index: int, found: list[_Misfit]) -> Finding:
    misfit = found[0]
    name, total = misfit.entry.layer.name, channels(misfit.entry)
    more = f" ({counted(len(found) - 1, 'layer')} more like it)" if len(found) > 1 else ""
    allowed = " or ".join(f"{number:,}" for number in misfit.allowed)
    return ctx.finding(
        (*ctx.sub_configs[index].path, ctx.sub_configs[index].ratio_key or ""),
        f"`{name}` keeps {misfit.kept:,} of {total:,} channels, but {_who_needs(misfit)} a multiple of "
        f"{misfit.step:,}: {allowed}{more}",
        label=f"{total - misfit.kept:,} of {total:,} channels go",
        help=_advice(misfit),
        layers=[each.entry.layer.name for each in found],
    )


def _who_needs(misfit: _Misfit) -> str:
    """Who makes the demand, and the verb."""
    limits = sorted(misfit.coupling.limits, key=lambda limit: limit.kind == "attention-heads")
    if limits and (limits[0].groups > 1 or len(limits) == 1):
        return _named(limits[0])
    joins = [join for join in misfit.coupling.joins if "group" in join.op]
    place = joined(misfit.coupling._replace(joins=tuple(joins))) or joined(misfit.coupling)
    return f"{place or 'what reads them'} needs"


def _named(limit: Limit) -> str:
    return _KINDS.get(limit.kind, limit.kind + " of `{}` needs").format(limit.module)


def _advice(misfit: _Misfit) -> str:
    """Ratios that keep the allowed numbers; where several layers misfit, those of the first."""
    total = channels(misfit.entry)
    ratios = [
        (-(-(total - number) * _DIGITS // total) / _DIGITS, number) for number in misfit.allowed if number < total
    ]
    written = " or ".join(f"{ratio:g} to keep {number:,}" for ratio, number in ratios)
    return f"write {written}" if written else "exclude it"
