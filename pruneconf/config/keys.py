"""The keys of a sub-config."""

from __future__ import annotations

SELECTORS = ("op_types", "op_names", "op_partial_names")
RATIOS = ("total_sparsity", "sparsity_per_layer", "sparsity")
"""At most one of these stands in a sub-config; where there are several, the first in this order counts."""
CAP = "max_sparsity_per_layer"
EXCLUDE = "exclude"
AMOUNTS = (*RATIOS, EXCLUDE)
KEYS = (*SELECTORS, "sparsity_per_layer", "total_sparsity", CAP, EXCLUDE, "sparsity")

TELLING = frozenset({*KEYS, "sparse_ratio", "op_names_re", "final_sparsity"})
"""Keys that tell a list in Python source to be a config, of NNI's other generations too."""

YAML_1_1_BOOLEANS = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}
