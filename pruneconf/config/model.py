"""A config as typed data: what its author wrote, before any model is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pruneconf.document import Document, Path

if TYPE_CHECKING:
    from decimal import Decimal


class Ratio(NamedTuple):
    """A share of weights, exact: `text` as written, `value` the decimal it denotes (`0.29` is 29/100)."""

    text: str
    value: Decimal

    def of(self, count: int) -> int:
        """floor(ratio * count), without a binary float on the way."""
        numerator, denominator = self.value.as_integer_ratio()
        return count * numerator // denominator


class SubConfig(NamedTuple):
    """One entry of the list. A key that is not written is None.

    `ratio` is the value of `ratio_key`, one of `sparsity_per_layer`, `total_sparsity` and `sparsity`; both are
    None for an exclude. `path` leads to the entry in the document.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a sub-config
    path: Path
    op_types: tuple[str, ...] | None = None
    op_names: tuple[str, ...] | None = None
    op_partial_names: tuple[str, ...] | None = None
    exclude: bool = False
    ratio_key: str | None = None
    ratio: Ratio | None = None
    cap: Ratio | None = None

    @property
    def is_total(self) -> bool:
        """True where the ratio is of all its layers together."""
        return self.ratio_key == "total_sparsity"


class Fault(NamedTuple):
    """A violation of the schema. `rule` is the code of the rule that reports it.

    `path` leads to the node; `keys` are the keys of the mapping there that are at fault, in document order.
    """

    rule: str
    path: Path
    keys: tuple[str, ...] = ()


class Config(NamedTuple):
    """A valid config list and the document it stands in; `path` leads to the list."""

    document: Document
    path: Path
    sub_configs: tuple[SubConfig, ...]
