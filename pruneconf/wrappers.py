"""What wrappers put into the names of a model: DataParallel, DDP, torch.compile, FSDP, DeepSpeed and PEFT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

WRAPPERS = frozenset(
    ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module", "base_layer")
)
"""Segments that stand in no name of the model inside."""

_PEFT = "base_model.model."


def unwrapped(name: str) -> str:
    """The name by which the model inside the wrappers knows a module or parameter."""
    return ".".join(segment for segment in name.split(".") if segment not in WRAPPERS).removeprefix(_PEFT)


class StoredNames:
    """The names of some tensors, to find those of another model that is the same but for wrappers."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._inside: Mapping[str, list[str]] | None = None

    def of(self, name: str) -> str | None:
        """The same name, else the only one that is the same without wrappers, else None."""
        if name in self._names:
            return name
        if self._inside is None:
            self._inside = _by_inner_name(self._names)
        found = self._inside.get(unwrapped(name), ())
        return found[0] if len(found) == 1 else None


def _by_inner_name(names: Iterable[str]) -> Mapping[str, list[str]]:
    inside: dict[str, list[str]] = {}
    for name in names:
        inside.setdefault(unwrapped(name), []).append(name)
    return inside
