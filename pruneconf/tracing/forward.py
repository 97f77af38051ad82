"""The forward pass: run it with example inputs, and put what it tells into the graph of the module tree."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pruneconf.graph import Layer, ModelGraph, Origin, Side
from pruneconf.tracing.borrow import borrowed
from pruneconf.tracing.coupling import couplings_of
from pruneconf.tracing.facts import FactTable
from pruneconf.tracing.inputs import ExampleInputs, on_device, tensors_among
from pruneconf.tracing.places import Places
from pruneconf.tracing.record import Recorder
from pruneconf.tracing.wrapped import compiled_code_as_written, inside

_MAIN_OUTPUTS = ("out", "sample", "prediction_logits", "start_logits", "end_logits", "last_hidden_state")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A forward pass that was recorded, to its end or to `error`. `makers` are the layers that make the output."""

    recorder: Recorder
    inputs: ExampleInputs
    makers: frozenset[str] = frozenset()
    error: Exception | None = None


def best_attempt(
    model: nn.Module, candidates: Iterable[ExampleInputs], facts: FactTable, root: Path, *, on_meta: bool = True
) -> Attempt | None:
    """The first forward pass that comes to its end, else the one that called most; None without candidates."""
    failed: list[Attempt] = []
    if any(is_lazy(parameter) for parameter in model.parameters()):
        return None
    for inputs in candidates:
        attempt = _attempt(model, inputs, facts, root, on_meta=on_meta)
        if attempt.error is None:
            return attempt
        failed.append(attempt)
    return max(failed, key=lambda attempt: len(attempt.recorder.calls), default=None)


def _attempt(model: nn.Module, inputs: ExampleInputs, facts: FactTable, root: Path, *, on_meta: bool) -> Attempt:
    facts = facts.values_alone()  # labels of an earlier attempt would be of another's axes
    with borrowed(model, facts, on_meta=on_meta), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recorder = Recorder(model, facts, Places(root))
        args, kwargs = on_device(inputs, lambda tensor: _example(tensor, facts, on_meta=on_meta))
        recorder.enter_inputs(tensors_among(args, kwargs))
        try:
            with recorder, compiled_code_as_written():
                out = inside(model)(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 (the user's code)
            return Attempt(recorder, inputs, error=error)
        makers = recorder.leave_outputs(named_outputs(out))
    return Attempt(recorder, inputs, frozenset(makers))


def _example(tensor: Tensor, facts: FactTable, *, on_meta: bool) -> Tensor:
    """An input of its own for each run, since a run may write to it; floating-point values count as unknown."""
    if not on_meta:
        return tensor.detach().cpu().clone()
    twin = facts.twin(tensor) if not tensor.is_meta else tensor.detach()
    if tensor.is_meta:
        facts.of(twin).value = facts.of(tensor).value
    if twin.is_floating_point() or twin.is_complex():
        facts.of(twin).value = None
    return twin


def named_outputs(out: Any) -> Mapping[str, Tensor]:
    """The tensors that a caller sees, by name; caches and hidden states do not count beside the main output."""
    if isinstance(out, Tensor):
        return {"output": out}
    if isinstance(out, Mapping):
        items = {str(key): value for key, value in out.items()}
    elif isinstance(out, list | tuple):
        fields = getattr(out, "_fields", None) or range(len(out))
        items = {str(key): value for key, value in zip(fields, out, strict=False)}
    else:
        items = dict(getattr(out, "__dict__", {}))
    main = {key: value for key, value in items.items() if _is_main(key) and isinstance(value, Tensor)}
    found: dict[str, Tensor] = {}
    for key, value in (main or items).items():
        tensors = tensors_among((value,), {})
        found.update({key if len(tensors) == 1 else f"{key}.{n}": tensor for n, tensor in enumerate(tensors)})
    return found


def _is_main(name: str) -> bool:
    return name in _MAIN_OUTPUTS or name.startswith("logits")


def with_attempt(graph: ModelGraph, attempt: Attempt) -> ModelGraph:
    """The graph of the module tree with what a forward pass tells."""
    complete = attempt.error is None
    recorder = attempt.recorder
    certain = complete and not recorder.guesses
    layers = tuple(_with_run(layer, attempt, certain=certain) for layer in graph.layers)
    couplings = couplings_of(recorder.relations, _seats(recorder, graph)) if complete else ()
    broken = Origin.PARTIAL if any(layer.calls for layer in layers) else Origin.MODULES
    origin = Origin.OPERATORS if complete else broken
    return graph._replace(
        layers=layers,
        origin=origin,
        inputs="" if origin is Origin.MODULES else str(attempt.inputs),
        missing=tuple(_guessed(recorder)),
        couplings=couplings,
    )


def _with_run(layer: Layer, attempt: Attempt, *, certain: bool) -> Layer:
    recorder = attempt.recorder
    roles = recorder.roles.get((layer.name, "weight"), {})
    calls = recorder.calls.get(layer.name, 0) or recorder.reads.get(layer.parameter, 0)
    return layer._replace(
        calls=calls if calls or certain else None,
        output=layer.name in attempt.makers,
        out_axis=_axis(roles, Side.OUT, layer.out_axis),
        in_axis=_axis(roles, Side.IN, layer.in_axis),
    )


def _axis(roles: Mapping[int, set[Side]], side: Side, otherwise: int | None) -> int | None:
    return next((dim for dim, sides in sorted(roles.items()) if side in sides), otherwise)


def _seats(recorder: Recorder, graph: ModelGraph) -> Any:
    """For which members a dimension of a parameter stands: the layers that own it as their weight, or its key."""
    names = graph.by_name

    def seats(key: str, dim: int) -> list[tuple[str, Side]]:
        found = []
        for module, name in recorder.owners[key]:
            roles = recorder.roles.get((module, name), {})
            if name == "weight" and module in names:
                member = module
            elif len(recorder.owners[key]) > 1 and not roles:
                continue
            elif module in names and recorder.dims[key] == 1:
                continue  # a bias goes with its layer's weight
            else:
                member = key
            sides = roles.get(dim, set()) if roles else {Side.THROUGH}
            found += [(member, side) for side in Side if side in sides]
        return list(dict.fromkeys(found))

    return seats


def _guessed(recorder: Recorder) -> list[str]:
    """A sentence for each line whose choice was guessed, and one for rules that failed."""
    places: dict[str, list[str]] = {}
    for guess in recorder.guesses:
        places.setdefault(guess.place or "the model", []).append(guess.op)
    return [
        f"`{place}` depends on the values of weights or inputs (`{'`, `'.join(dict.fromkeys(asked))}`); "
        "one outcome was assumed, and what others would run is not known"
        for place, asked in places.items()
    ]
