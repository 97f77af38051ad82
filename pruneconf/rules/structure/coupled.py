"""What a config does to coupled channels, where a pruner masks whole channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pruneconf.graph import Coupling, Member, Pin, Side
from pruneconf.plan import Action, LayerPlan, Plan, channel_axis

if TYPE_CHECKING:
    from fractions import Fraction


class Cut(NamedTuple):
    """A coupling of which some channels are to go.

    `pruned` are the layers that make its channels and lose some, `kept` the names of the layers and parameters that
    make them and lose none, `pins` what else holds all the channels.
    """

    coupling: Coupling
    pruned: tuple[LayerPlan, ...]
    kept: tuple[str, ...]
    pins: tuple[Pin, ...]

    @property
    def held(self) -> bool:
        """Whether something keeps all the channels, so that none can be cut out."""
        return bool(self.kept or self.pins)

    @property
    def mismatched(self) -> bool:
        """Whether the layers lose different shares of their channels."""
        return len({share(entry) for entry in self.pruned}) > 1 and len({_ratio(entry) for entry in self.pruned}) > 1

    @property
    def joined(self) -> str:
        """The operation that makes the channels one, and where it stands."""
        return joined(self.coupling)


def cuts(plan: Plan) -> Iterator[Cut]:
    """The couplings from which a structured pruner would take channels, in model order."""
    for coupling in plan.graph.couplings:
        names = list(dict.fromkeys(member.layer for member in coupling.members if _makes(plan, member)))
        entries = {name: plan.by_name.get(name) for name in names}
        pruned = tuple(entry for entry in entries.values() if entry and _loses_channels(entry))
        if pruned:
            kept = tuple(name for name, entry in entries.items() if entry is None or entry.action is not Action.PRUNE)
            yield Cut(coupling, pruned, kept, tuple(_holding(coupling, len(names))))


def _loses_channels(entry: LayerPlan) -> bool:
    """Whether the layer is pruned, and not of a type that structured pruners refuse (PC508)."""
    return entry.action is Action.PRUNE and channel_axis(entry.layer) is not None


def _makes(plan: Plan, member: Member) -> bool:
    """Whether this run is one of output channels, along the axis from which the pruner takes them."""
    entry = plan.by_name.get(member.layer)
    axis = None if entry is None else channel_axis(entry.layer)
    return member.side is Side.OUT and axis in {None, member.axis}


def _holding(coupling: Coupling, makers: int) -> Iterator[Pin]:
    """What holds the channels, beside layers; of what a single layer puts out, another rule speaks (PC504)."""
    for pin in coupling.pins:
        if pin.kind in {"input", "heads"} or (pin.kind == "output" and makers > 1):
            yield pin


def channels(entry: LayerPlan) -> int:
    """How many output channels a layer has; 0 where it has none that a pruner could mask."""
    axis = channel_axis(entry.layer)
    return 0 if axis is None else entry.layer.shape[axis]


def masked_channels(entry: LayerPlan) -> int | None:
    """How many channels a layer loses; None where the ranking of a group decides."""
    if entry.masked is None or entry.ratio is None:
        return None
    return entry.ratio.of(channels(entry))


def share(entry: LayerPlan) -> Fraction | str:
    """The share of its channels that a layer loses; in a group, the name of the group."""
    from fractions import Fraction

    masked = masked_channels(entry)
    return f"group {entry.decided_by}" if masked is None else Fraction(masked, channels(entry) or 1)


def _ratio(entry: LayerPlan) -> object:
    return share(entry) if entry.masked is None or entry.ratio is None else entry.ratio.value


def joined(coupling: Coupling) -> str:
    """`add` at model.py:31; the empty text where no operation is known that joins channels."""
    join = next((join for join in coupling.joins if join.place), next(iter(coupling.joins), None))
    if join is None:
        return ""
    return f"`{join.op}`" + (f" at {join.place}" if join.place else "")


def loss(entry: LayerPlan) -> str:
    """What a layer loses, for a label."""
    masked = masked_channels(entry)
    if masked is None:
        return f"`{entry.layer.name}` loses what the ranking of this group decides"
    return f"`{entry.layer.name}` loses {masked:,} of {channels(entry):,} channels"


def names_of(entries: tuple[LayerPlan, ...]) -> list[str]:
    """The names of the layers."""
    return [entry.layer.name for entry in entries]
