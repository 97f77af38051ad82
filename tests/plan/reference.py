"""What a config means, written down from the specification sentence by sentence: slow, and without anything clever.

A config is a list of dicts here, a layer whatever has `name`, `type`, `numel` and `parameter`.
"""

from fractions import Fraction
from itertools import pairwise
from math import floor

DEFAULT = (
    "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d Linear Bilinear PReLU Embedding EmbeddingBag"
)


def selects(sub_config, layer):
    """A layer is selected if its type is among the types (if there are any) and its name among the names (likewise)."""
    fits = True
    if "op_types" in sub_config:
        types = [
            name for entry in sub_config["op_types"] for name in (DEFAULT.split() if entry == "default" else [entry])
        ]
        fits = layer.type in types
    if "op_names" in sub_config or "op_partial_names" in sub_config:
        named = layer.name in sub_config.get("op_names", [])
        contains = any(part in layer.name for part in sub_config.get("op_partial_names", []))
        fits = fits and (named or contains)
    return fits


def selected_by(config, layer):
    return [i for i, sub_config in enumerate(config) if selects(sub_config, layer)]


def decided_by(config, layer):
    """The last sub-config that selects a layer decides everything about it."""
    return max(selected_by(config, layer), default=None)


def exact(number):
    """The decimal as written."""
    return Fraction(repr(number))


def fate(config, layer):
    """(action, elements to mask, or None where a group decides or nothing is masked)."""
    decider = decided_by(config, layer)
    if decider is None:
        return "none", None
    sub_config = config[decider]
    if "exclude" in sub_config:
        return "exclude", None
    if "total_sparsity" in sub_config:
        return "prune", None
    ratio = sub_config["sparsity_per_layer"] if "sparsity_per_layer" in sub_config else sub_config["sparsity"]
    return "prune", floor(exact(ratio) * layer.numel)


def distinct(layers):
    """Each weight once: of the layers that share one, the first."""
    return [layer for i, layer in enumerate(layers) if layer.parameter not in [other.parameter for other in layers[:i]]]


def groups(config, layers):
    """(sub-config, names, elements, elements to mask, most that each may lose) of each group that has a layer."""
    found = []
    for i, sub_config in enumerate(config):
        members = distinct([layer for layer in layers if decided_by(config, layer) == i])
        if "total_sparsity" in sub_config and members:
            numel = sum(layer.numel for layer in members)
            cap = exact(sub_config.get("max_sparsity_per_layer", 1))
            most = [floor(cap * layer.numel) for layer in members]
            masked = floor(exact(sub_config["total_sparsity"]) * numel)
            found.append((i, [layer.name for layer in members], numel, masked, most))
    return found


def feasible(config, layers):
    return [masked <= sum(most) for _, _, _, masked, most in groups(config, layers)]


def setting(config, layer):
    """What must be equal for layers that share a weight."""
    decider = decided_by(config, layer)
    action, masked = fate(config, layer)
    if action == "prune" and masked is None:
        return "in the group of", decider
    ratios = [config[decider][key] for key in ("sparsity_per_layer", "sparsity") if key in config[decider]]
    return action, *map(exact, ratios)


def disagree(config, layers):
    """Whether layers that share a weight are selected, and resolve differently."""
    return any(
        one.parameter == other.parameter and setting(config, one) != setting(config, other)
        for one in layers
        for other in layers
        if decided_by(config, one) is not None and decided_by(config, other) is not None
    )


def masked(config, layers):
    """How many elements are masked in all, where no layers disagree."""
    alone = [layer for layer in layers if fate(config, layer)[1] is not None]
    return sum(fate(config, layer)[1] for layer in distinct(alone)) + sum(group[3] for group in groups(config, layers))


def changes_of_hands(config, layers):
    """(earlier, later, layer) for each time that a layer passes from one sub-config to the next that selects it."""
    hands = [(layer.name, selected_by(config, layer)) for layer in layers]
    return {(earlier, later, name) for name, by in hands for earlier, later in pairwise(by)}
