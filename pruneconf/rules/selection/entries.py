"""The entries of selectors, and the layers that each of them matches."""

from __future__ import annotations

from pruneconf.config import SubConfig
from pruneconf.document import Path
from pruneconf.plan import LayerSet, Selection


def each_entry_fits(selection: Selection, sub_config: SubConfig) -> bool:
    """Whether each entry of each selector, taken alone, matches some layer."""
    return (
        all(name in selection.graph.by_name for name in sub_config.op_names or ())
        and all(map(selection.of_partial_name, sub_config.op_partial_names or ()))
        and all(map(selection.of_type, sub_config.op_types or ()))
    )


def entry_reaching(selection: Selection, sub_config: SubConfig, layers: LayerSet) -> Path:
    """The first entry of a valid sub-config that matches one of these layers, of which it selects at least one."""
    for key, matches in (
        ("op_names", lambda name: selection.of_names([name])),
        ("op_partial_names", selection.of_partial_name),
        ("op_types", selection.of_type),
    ):
        for i, entry in enumerate(getattr(sub_config, key) or ()):
            if matches(entry) & layers:
                return (*sub_config.path, key, i)
    return sub_config.path
