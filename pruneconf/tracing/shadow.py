"""Running code on meta tensors that needs some of their values.

A meta tensor has a shape and no content, so a forward pass over it costs neither memory nor time, whatever the
model's size. Most of what a model asks of values (masks, positions, strides) follows from shapes, constants and
integer inputs alone: such values are computed for real beside the meta tensors, while they are small. What depends
on weights or on floating-point inputs is guessed, and every guess is noted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from pruneconf.tracing.facts import LARGEST_VALUE, FactTable
from pruneconf.tracing.kernels import META_KERNELS
from pruneconf.tracing.literals import Literals

_MASKS = (torch.bool, torch.uint8)
_RANDOM = ("empty", "new_empty", "rand", "bernoulli", "normal", "uniform", "exponential", "multinomial")
_DYNAMIC = frozenset(
    ("nonzero", "nonzero_static", "repeat_interleave", "_unique2", "unique_consecutive", "unique_dim", "masked_select")
)
_VERDICTS = frozenset(("all", "any", "_is_all_true", "_is_any_true", "logical_not", "bitwise_not"))
_MOST_HITS = 4096


class Guess(NamedTuple):
    """A value that had to be guessed: the operator that asked for it, and the line of code."""

    op: str
    place: str


class NeedsValuesError(RuntimeError):
    """Code asks a meta tensor for a value that is not known."""


class Shadow(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A mode in which code runs on meta tensors.

    `facts` keeps the known values. With `guessing`, a value that is not known is guessed and noted in `guesses`;
    otherwise asking for it raises NeedsValuesError.
    """

    def __init__(self, facts: FactTable, *, guessing: bool = True) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.facts = facts
        self.guesses: dict[Guess, int] = {}
        self._guessing = guessing
        self._literals = Literals(facts)

    def __enter__(self) -> Any:
        """Start running on meta tensors."""
        self._literals.__enter__()  # type: ignore[no-untyped-call]
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *error: object) -> None:
        """Stop it."""
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._literals.__exit__(*error)  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # True, the default, wraps the dispatch in torch._dynamo: its import alone takes longer than most traces.
        return False

    def place(self) -> str:
        """The line of code that runs; empty where nobody asks."""
        return ""

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run one operator."""
        return self.run(func, args, dict(kwargs or {}))

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of an operator: meta tensors with their values where known, or plain numbers."""
        name = operator_name(func)
        tensors = list(tensors_in(args, kwargs))
        if name == "_local_scalar_dense":
            return self._scalar(args[0])
        if not any(tensor.is_meta for tensor in tensors) and str(kwargs.get("device")) != "meta":
            return func(*args, **kwargs)
        if name == "equal":
            return self._equal(func, args)
        if name == "_to_copy" and str(kwargs.get("device", "meta")).startswith("cpu"):
            return self._to_cpu(func, args, kwargs)
        if name in _DYNAMIC or (name == "index" and _has_mask(args[1])):
            return self._of_unknown_size(name, func, args, kwargs)
        return self._compute(name, func, args, kwargs, tensors)

    # Reading values

    def _scalar(self, tensor: Tensor) -> Any:
        value = self.facts.value(tensor)
        return self._guess("item", tensor) if value is None else value.item()

    def _equal(self, func: Any, args: tuple[Any, ...]) -> Any:
        values = [self.facts.value(tensor) for tensor in args]
        known = all(value is not None for value in values)
        return bool(func(*values)) if known else self._guess("equal", args[0])

    def _to_cpu(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        value = self.facts.value(args[0])
        if value is not None:
            return func(value, **kwargs)
        self._guess("cpu", args[0])
        return func(*args, **{**kwargs, "device": "meta"})

    def _guess(self, op: str, tensor: Tensor) -> Any:
        """`if not ok.all(): raise` passes, `if bad.any():` does not; a number is one."""
        if not self._guessing:
            raise NeedsValuesError(f"`{op}` asks a tensor on the meta device for its value")
        guess = Guess(op, self.place())
        self.guesses[guess] = self.guesses.get(guess, 0) + 1
        if tensor.dtype == torch.bool:
            return self.facts.of(tensor).verdict
        return 1.0 if tensor.is_floating_point() else 1

    # Computing

    def _compute(
        self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], tensors: list[Tensor]
    ) -> Any:
        values = [self.facts.value(tensor) for tensor in tensors]
        known = None not in values and not name.startswith(_RANDOM)
        meta_args, meta_kwargs = _mapped(self._on_meta, args, kwargs)
        if "device" in meta_kwargs:
            meta_kwargs["device"] = torch.device("meta")
        try:
            out, error = META_KERNELS.get(name, func)(*meta_args, **meta_kwargs), None
        except (NotImplementedError, RuntimeError) as failure:
            out, error = None, failure
        # The sizes are checked first: a factory has no inputs, but may make 100 GB.
        small = known and _numel(values) <= LARGEST_VALUE and (error or _numel(tensors_of(out)) <= LARGEST_VALUE)
        value = _for_real(func, args, kwargs, values) if small else None
        if error is not None:
            if value is None:
                raise error
            out = _map_result(self.facts.twin, value)
        self._note_values(name, func, args, tensors, out, value)
        return out

    def _on_meta(self, tensor: Tensor) -> Tensor:
        return tensor if tensor.is_meta else self.facts.twin(tensor)

    def _note_values(
        self, name: str, func: Any, args: tuple[Any, ...], tensors: list[Tensor], out: Any, value: Any
    ) -> None:
        if value is not None:
            for tensor, content in zip(tensors_of(out), tensors_of(value), strict=True):
                if tensor.is_meta and content.numel() <= LARGEST_VALUE:
                    self.facts.of(tensor).value = content
        elif tensors and func._schema.is_mutable and isinstance(args[0], Tensor):  # noqa: SLF001
            self.facts.of(args[0]).value = None
        if value is None and name in _VERDICTS:
            negated = name.endswith("not")
            verdict = not self.facts.of(tensors[0]).verdict if negated else "all" in name
            for tensor in tensors_of(out):
                self.facts.of(tensor).verdict = verdict

    # Results whose shape depends on values

    def _of_unknown_size(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tensors = list(tensors_in(args, kwargs))
        values = [self.facts.value(tensor) for tensor in tensors]
        if None not in values:
            value = _for_real(func, args, kwargs, values)
            if value is not None:
                return _map_result(self.facts.twin, value)
        self._guess(name, tensors[0])
        return self._everything_hit(name, args, kwargs)

    def _everything_hit(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result if every element were hit, each once."""
        tensor = args[0]
        if name == "repeat_interleave":
            size = kwargs.get("output_size") or tensor.numel()
            return torch.empty(size, dtype=torch.long, device="meta")
        if name.startswith("nonzero"):
            hits = max(1, min(tensor.numel(), _MOST_HITS))
            return torch.empty(hits, tensor.dim(), dtype=torch.long, device="meta")
        if name == "index":
            return torch.empty(self._indexed_shape(tensor, args[1]), dtype=tensor.dtype, device="meta")
        if name == "masked_select":
            return torch.empty(tensor.numel(), dtype=tensor.dtype, device="meta")
        distinct = torch.empty(tensor.numel(), dtype=tensor.dtype, device="meta")
        where = torch.empty(tensor.numel(), dtype=torch.long, device="meta")
        return distinct, where, torch.empty_like(where)

    def _indexed_shape(self, tensor: Tensor, indices: Sequence[Tensor | None]) -> list[int]:
        shape: list[int] = []
        dim = 0
        for each in indices:
            if each is None:
                shape.append(tensor.shape[dim])
                dim += 1
            elif each.dtype in _MASKS:
                value = self.facts.value(each)
                shape.append(max(1, each.numel()) if value is None else int(value.sum()))
                dim += each.dim()
            else:
                shape.append(each.numel())
                dim += 1
        return [*shape, *tensor.shape[dim:]]


class _Names:
    known: ClassVar[dict[Any, str]] = {}


def operator_name(func: Any) -> str:
    """The operator's name without its library and overload: `add`."""
    name = _Names.known.get(func)
    if name is None:
        name = _Names.known[func] = func._schema.name.split("::")[1]  # noqa: SLF001
    return name


def tensors_in(args: Iterable[Any], kwargs: Mapping[str, Any]) -> Iterator[Tensor]:
    """The tensors among an operator's arguments, which are tensors or flat lists of them."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from (each for each in value if isinstance(each, Tensor))


def tensors_of(result: Any) -> list[Tensor]:
    """The tensors in an operator's result."""
    return list(tensors_in((result,), {}))


def _mapped(
    change: Callable[[Tensor], Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    def changed(value: Any) -> Any:
        if isinstance(value, Tensor):
            return change(value)
        if type(value) in (list, tuple):
            return type(value)(change(each) if isinstance(each, Tensor) else each for each in value)
        return value

    return [changed(value) for value in args], {key: changed(value) for key, value in kwargs.items()}


def _map_result(change: Callable[[Tensor], Tensor], result: Any) -> Any:
    return _mapped(change, (result,), {})[0][0]


def _for_real(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], values: list[Tensor | None]) -> Any:
    """The operator's result on real values; None where it fails on them."""
    following = iter(values)
    real_args, real_kwargs = _mapped(lambda _: next(following), args, kwargs)  # type: ignore[arg-type,return-value]
    if "device" in real_kwargs:
        real_kwargs["device"] = torch.device("cpu")
    try:
        return func(*real_args, **real_kwargs)
    except Exception:  # noqa: BLE001 (guessed sizes may not fit together)
        return None


def _numel(tensors: Iterable[Tensor | None]) -> int:
    return sum(math.prod(tensor.shape) for tensor in tensors if tensor is not None)


def _has_mask(indices: Iterable[Tensor | None]) -> bool:
    return any(each is not None and each.dtype in _MASKS for each in indices)
