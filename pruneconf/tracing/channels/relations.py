"""What a forward pass ties together: channels that are one, heads and their channels, and what speaks against cuts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from pruneconf.graph import Join, Limit, Pin
from pruneconf.tracing.channels.labels import Axis, Block, Codes, Label, codes_of, spread


class Tie(NamedTuple):
    """Channels that are one, pairwise."""

    first: Codes
    second: Codes


class Link(NamedTuple):
    """Channels that stand for others: `parts[i]` (one code) for all of `channels[i]`."""

    parts: Codes
    channels: Codes


class Relations:
    """All axes of a forward pass and what ties their channels.

    Axes that are the same as a whole point to each other; `ties` hold what is not that regular. `here` names the
    module that runs, `place` finds the line of the model's source that does.
    """

    def __init__(self, here: Callable[[], str], place: Callable[[], str]) -> None:
        self.axes: list[Axis] = []
        self.ties: list[Tie] = []
        self.links: list[Link] = []
        self.joins: list[tuple[Axis | Codes, Join]] = []
        self.pins: list[tuple[Codes, Pin]] = []
        self.limits: list[tuple[Codes, Limit]] = []
        self._here = here
        self._place = place
        self._next = 0
        self._starts: Codes = np.zeros(0, dtype=np.int64)
        self._seen: set[tuple[int, ...]] = set()
        self._projected: dict[bytes, Axis] = {}

    def axis(self, size: int, owner: tuple[str, int] | None = None, *, parts: bool = False) -> Axis:
        """A new axis."""
        axis = Axis(len(self.axes), self._next, size, owner, parts=parts)
        self._next += size
        self.axes.append(axis)
        return axis

    @staticmethod
    def root(axis: Axis) -> Axis:
        """The axis that stands for all that are the same as this one."""
        while axis.parent is not None:
            if axis.parent.parent is not None:
                axis.parent = axis.parent.parent
            axis = axis.parent
        return axis

    def starts(self) -> Codes:
        """The first code of every axis, in order."""
        if len(self._starts) != len(self.axes):
            self._starts = np.array([axis.start for axis in self.axes], dtype=np.int64)
        return self._starts

    def axis_of(self, code: int) -> Axis:
        """The axis to which a code belongs."""
        return self.axes[int(np.searchsorted(self.starts(), code, side="right")) - 1]

    def stands_for_parts(self, codes: Axis | Codes) -> bool:
        """Whether these are no channels but heads, each of which stands for some."""
        axis = codes if isinstance(codes, Axis) else self.axis_of(int(codes.flat[0]))
        return self.root(axis).parts

    # What operations tell

    def tie(self, first: Axis | Codes, second: Axis | Codes, op: str = "") -> None:
        """Make channels one, pairwise; `op` names the operation where it joins what several layers made."""
        if isinstance(first, Axis) and isinstance(second, Axis) and first.size == second.size:
            self._tie_axes(self.root(first), self.root(second), op)
            return
        a, b = np.broadcast_arrays(codes_of(first), codes_of(second))
        different = a != b
        if not different.any():
            return
        a, b = a[different], b[different]
        key = (int(a[0]), int(b[0]), int(a[-1]), int(b[-1]), len(a))
        if key not in self._seen:
            self._seen.add(key)
            self.ties.append(Tie(a, b))
            self._note_join(a, op)

    def _tie_axes(self, first: Axis, second: Axis, op: str) -> None:
        if first is second:
            return
        if first.parts:
            first, second = second, first
        second.parent = first
        self._note_join(first, op)

    def _note_join(self, codes: Axis | Codes, op: str) -> None:
        if op:
            self.joins.append((codes, Join(op, self._place())))

    def link(self, parts: Axis | Codes, channels: Codes) -> None:
        """Let each of `parts` stand for a row of `channels`."""
        codes = codes_of(parts)
        self.links.append(Link(codes, np.ascontiguousarray(channels).reshape(len(codes), -1)))

    def pin(self, codes: Axis | Codes, kind: str, name: str = "") -> None:
        """Note that none of these channels can go."""
        self.pins.append((codes_of(codes).ravel(), Pin(kind, name)))

    def limit(self, codes: Axis | Codes, kind: str, groups: int) -> None:
        """Note a demand of the running module on how many of these channels may stay."""
        self.limits.append((codes_of(codes).ravel(), Limit(kind, groups, self._here())))

    # Labels that meet

    def normal(self, block: Block, shape: Sequence[int]) -> Block | None:
        """The block without dimensions along which nothing changes, a whole axis as itself; None if nothing is left."""
        dims, codes = block
        if isinstance(codes, Axis):
            return block if codes.size > 1 or shape[dims[0]] > 1 else None
        kept = []
        for position in range(codes.ndim):
            first = codes.take([0], axis=position)
            if codes.shape[position] == 1 or np.array_equal(codes, np.broadcast_to(first, codes.shape)):
                codes = first
            else:
                kept.append(position)
        if not kept:
            return None
        codes = codes.reshape([codes.shape[position] for position in kept])
        order = np.argsort([dims[position] for position in kept])
        dims, codes = tuple(dims[kept[each]] for each in order), codes.transpose(order)
        return Block(dims, self._whole(codes) or codes)

    def _whole(self, codes: Codes) -> Axis | None:
        """The axis of which these are all codes in order."""
        if codes.ndim != 1:
            return None
        axis = self.axis_of(int(codes[0]))
        ordered = codes[0] == axis.start and axis.size == len(codes) and bool((np.diff(codes) == 1).all())
        return axis if ordered else None

    def met(self, blocks: Iterable[Block], further: Iterable[Block], op: str) -> tuple[Block, ...]:
        """Two lists of blocks over the same tensor made one: what lies on the same dimensions is tied."""
        result = list(blocks)
        for block in further:
            hits = [number for number, other in enumerate(result) if set(other.dims) & set(block.dims)]
            if not hits:
                result.append(block)
            elif len(hits) == 1:
                result[hits[0]] = self._meet(result[hits[0]], block, op)
            else:
                for number in hits:
                    self.pin(result[number].codes, "unknown", op or "product")
        return tuple(result)

    def _meet(self, one: Block, other: Block, op: str) -> Block:
        if one.dims == other.dims:
            self.tie(one.codes, other.codes, op)
            return other if self.stands_for_parts(one.codes) and not self.stands_for_parts(other.codes) else one
        small, large = sorted((one, other), key=lambda block: len(block.dims))
        if not set(small.dims) <= set(large.dims):
            for block in (one, other):
                self.pin(block.codes, "unknown", op or "product")
            return one
        codes = codes_of(large.codes)
        if self.stands_for_parts(small.codes):
            front = [large.dims.index(dim) for dim in small.dims]
            rest = [position for position in range(codes.ndim) if position not in front]
            parts = codes_of(small.codes).ravel()
            self.link(parts, codes.transpose(front + rest).reshape(len(parts), -1))
        else:
            dims = sorted(large.dims)
            shape = [codes.shape[large.dims.index(dim)] for dim in dims]
            self.tie(spread(small, dims, shape), spread(large, dims, shape), op)
        return large

    def merged(self, labels: Sequence[Label], op: str) -> Label:
        """The label of what several tensors of one shape become element by element."""
        fixed: frozenset[int] = frozenset().union(*(label.fixed for label in labels))
        blocks: tuple[Block, ...] = ()
        for label in labels:
            blocks = self.met(blocks, label.blocks, op)
        for block in blocks:
            if len(block.dims) == 1 and block.dims[0] in fixed:
                self.pin(block.codes, "input")
        return Label(tuple(block for block in blocks if not fixed & set(block.dims)), fixed)

    def projected(self, block: Block, kept: Sequence[int], sizes: dict[int, int]) -> Block:
        """The block after a sum over its other dimensions: one part for all channels that went into it.

        Equal sets of channels give equal parts, here and anywhere else in the model.
        """
        codes = codes_of(block.codes)
        front = [block.dims.index(dim) for dim in kept]
        rest = [position for position in range(codes.ndim) if position not in front]
        rows = codes.transpose(front + rest).reshape(int(np.prod([sizes[dim] for dim in kept])), -1)
        distinct, rank = _distinct_rows(rows)
        key = distinct.tobytes()
        axis = self._projected.get(key)
        if axis is None:
            axis = self._projected[key] = self.axis(len(distinct), parts=True)
            self.link(axis, distinct)
        parts = axis.codes()[rank]
        return Block(tuple(kept), parts.reshape([sizes[dim] for dim in kept]))

    # In the end

    def resolver(self) -> Callable[[Codes], Codes]:
        """A function that gives codes in terms of root axes, as they stand now."""
        starts = self.starts()
        roots = np.array([self.root(axis).start for axis in self.axes], dtype=np.int64)

        def resolved(codes: Codes) -> Codes:
            homes = np.searchsorted(starts, codes, side="right") - 1
            return roots[homes] + (codes - starts[homes])

        return resolved


def _distinct_rows(rows: Codes) -> tuple[Codes, Codes]:
    """The rows without repetitions in order of first appearance, and for each row its number among them."""
    if len(np.unique(rows[:, 0])) == len(rows):
        return np.ascontiguousarray(rows), np.arange(len(rows))
    distinct, first, where = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return distinct[order], np.argsort(order)[where.ravel()]
