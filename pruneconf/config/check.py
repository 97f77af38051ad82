"""From the verdict of the published JSON Schema to faults: which rule speaks, at which node.

`jsonschema-rs` decides; where it has no wheel, `jsonschema` does. Both name the keyword that failed and where, and
that is all that is read of their errors, so that either gives the same faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from pruneconf.config.foreign import FOREIGN, role
from pruneconf.config.keys import AMOUNTS, CAP, EXCLUDE, KEYS, RATIOS, SELECTORS, YAML_1_1_BOOLEANS
from pruneconf.config.model import Fault
from pruneconf.document import Path

_MISSING = frozenset({"PC104", "PC105"})


class _Error(NamedTuple):
    """A validator's error: the keyword that failed, the path to the value, and keys that should not be there."""

    keyword: str
    path: Path
    unexpected: tuple[str, ...] = ()


def check(data: Any) -> list[Fault]:
    """Faults of a config list given as plain data, in document order, one for each cause."""
    inside: dict[Any, list[_Error]] = {}
    for error in _errors(data):
        if not error.path:
            return [Fault("PC004", ())]
        inside.setdefault(error.path[0], []).append(error)
    faults = [fault for index in sorted(inside) for fault in _sub_config(index, data[index], inside[index])]
    return _without_second_halves(faults, data)


def halves(first: Any, second: Any) -> bool:
    """Whether two neighbouring items are one sub-config that a `-` too many cuts into where and how much."""
    parts = [[any(key in item for key in keys) for keys in (SELECTORS, AMOUNTS)] for item in (first, second)]
    return sorted(parts) == [[False, True], [True, False]]


def _without_second_halves(faults: list[Fault], data: Any) -> list[Fault]:
    """Where a sub-config is cut in two, what each half lacks is one fault, at the first."""
    incomplete = {fault.path[0]: fault for fault in faults if fault.rule in _MISSING}
    second = set()
    for index in incomplete:
        after = int(index) + 1
        if index not in second and after in incomplete and halves(data[index], data[after]):
            second.add(after)
    return [fault for fault in faults if fault.rule not in _MISSING or fault.path[0] not in second]


def _sub_config(index: int, data: Any, errors: list[_Error]) -> list[Fault]:
    if not isinstance(data, dict):
        return [Fault("PC004", (index,))]
    failed: dict[Path, set[str]] = {}
    unexpected: set[str] = set()
    for error in errors:
        failed.setdefault(error.path[1:], set()).add(error.keyword)
        unexpected.update(error.unexpected)
    faults = [Fault(_value_rule(path, failed[path], data), (index, *path)) for path in failed if path]
    faults += _key_faults((index,), data, [key for key in data if key in unexpected])
    order = {key: i for i, key in enumerate(data)}
    return sorted(faults, key=lambda fault: _order(fault, order))


def _order(fault: Fault, keys: dict[str, int]) -> tuple[Any, ...]:
    steps = fault.path[1:] or fault.keys[:1]
    return (keys[str(steps[0])], *steps[1:]) if steps else (-1,)


def _value_rule(path: Path, keywords: set[str], data: Any) -> str:
    for step in path:
        data = data[step]
    if keywords & {"minItems", "minLength"}:
        return "PC109"
    if path[0] == EXCLUDE and isinstance(data, str) and data.lower() in YAML_1_1_BOOLEANS:
        return "PC005"
    if path[0] == EXCLUDE and data is False:
        return "PC108"
    return "PC102" if "type" in keywords else "PC103"


def _key_faults(path: Path, data: dict[str, Any], unexpected: list[str]) -> Iterator[Fault]:
    """Faults of a sub-config that lie in which keys it has; a key too many explains the one that it stands for."""
    roles = {key: role(key, data[key]) for key in unexpected if key not in KEYS}
    for key in roles:
        rule = FOREIGN[key].rule if key in FOREIGN else "PC101"
        if rule != "PC603":
            yield Fault(rule, path, (key,))
    schedule = tuple(key for key in roles if key in FOREIGN and FOREIGN[key].rule == "PC603")
    if schedule:
        yield Fault("PC603", path, schedule)
    yield from _conflicts(path, data, unexpected, amount_is_meant="amount" in roles.values())
    where = any(key in data for key in SELECTORS) or "selector" in roles.values()
    how_much = any(key in data for key in (*AMOUNTS, CAP)) or "amount" in roles.values()
    if not where:
        yield Fault("PC104", path)
    elif not how_much:
        yield Fault("PC105", path)


def _conflicts(path: Path, data: dict[str, Any], unexpected: list[str], *, amount_is_meant: bool) -> Iterator[Fault]:
    """Faults of amounts that do not go together."""
    amounts = tuple(key for key in data if key in RATIOS)
    if EXCLUDE in data:
        beside = tuple(key for key in unexpected if key in KEYS)
        if beside and not _reads_as_false(data[EXCLUDE]):
            yield Fault("PC106", path, beside)
    elif len(amounts) > 1:
        yield Fault("PC107", path, amounts)
    elif CAP in unexpected and (amounts or not amount_is_meant):
        yield Fault("PC111", path, (CAP,))


def _reads_as_false(value: Any) -> bool:
    """Whether `exclude` has a value that its author took for no exclusion: it is reported, and the amounts stand."""
    return not value or (isinstance(value, str) and YAML_1_1_BOOLEANS.get(value.lower()) is False)


def _errors(data: Any) -> Iterator[_Error]:
    validator = _fast_validator()
    if validator is None:
        yield from _reference_errors(data)
    elif not validator.is_valid(data):
        for error in validator.iter_errors(data):
            unexpected = tuple(getattr(error.kind, "unexpected", ()))
            yield _Error(str(error.schema_path[-1]), tuple(error.instance_path), unexpected)


def _reference_errors(data: Any) -> Iterator[_Error]:
    from jsonschema import Draft7Validator

    for error in Draft7Validator(_schema()).iter_errors(data):
        unexpected: tuple[str, ...] = ()
        if error.validator == "additionalProperties":
            unexpected = tuple(key for key in error.instance if key not in error.schema["properties"])
        yield _Error(str(error.validator), tuple(error.absolute_path), unexpected)


@cache
def _fast_validator() -> Any:
    try:
        import jsonschema_rs
    except ImportError:
        return None
    return jsonschema_rs.Draft7Validator(_schema())


@cache
def _schema() -> dict[str, Any]:
    import json

    from pruneconf.config.schema import schema_text

    schema: dict[str, Any] = json.loads(schema_text())
    return schema
