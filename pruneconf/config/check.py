"""From the verdict of the published JSON Schema to faults: which rule speaks, at which node.

`jsonschema-rs` decides; where it has no wheel, `jsonschema` does. Both name the keyword that failed and where, and
that is all that is read of their errors, so that either gives the same faults.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from pruneconf.config.keys import CAP, EXCLUDE, FOREIGN, KEYS, RATIOS, SELECTORS, YAML_1_1_BOOLEANS, group_of
from pruneconf.document import Path
from pruneconf.suggest import nearest


class Fault(NamedTuple):
    """A violation of the schema. `rule` is the code of the rule that reports it.

    `path` leads to the node; `keys` are the keys of the mapping there that are at fault, in document order.
    """

    rule: str
    path: Path
    keys: tuple[str, ...] = ()


class _Error(NamedTuple):
    """A validator's error: the keyword that failed, the path to the value, and keys that should not be there."""

    keyword: str
    path: Path
    unexpected: tuple[str, ...] = ()


def check(data: Any) -> list[Fault]:
    """Faults of a config list given as plain data, in document order, one for each cause."""
    by_node: dict[Path, list[_Error]] = {}
    for error in _errors(data):
        by_node.setdefault(error.path, []).append(error)
    if () in by_node:
        return [Fault("PC004", ())]
    inside: dict[int, list[_Error]] = {}
    for path, errors in by_node.items():
        index = path[0]
        assert isinstance(index, int)  # noqa: S101 - the root is a list
        inside.setdefault(index, []).extend(errors)
    return [fault for index in sorted(inside) for fault in _sub_config(index, data[index], inside[index])]


def _sub_config(index: int, data: Any, errors: list[_Error]) -> list[Fault]:
    if not isinstance(data, dict):
        return [Fault("PC004", (index,))]
    here = [error for error in errors if len(error.path) == 1]
    deeper = {error.path for error in errors if len(error.path) > 1}
    keywords = {path: {error.keyword for error in errors if error.path == path} for path in deeper}
    faults = [Fault(_value_rule(path, keywords[path], _at(data, path[1:])), path) for path in deeper]
    excludes_not = any(fault.rule == "PC108" for fault in faults)
    unexpected = [key for error in here for key in error.unexpected]
    faults += _unexpected(index, data, unexpected, forgive_amounts=excludes_not)
    explained = _explained(unexpected)
    if not any(key in data for key in SELECTORS) and "selector" not in explained:
        faults.append(Fault("PC104", (index,)))
    if not any(key in data for key in (*RATIOS, EXCLUDE)) and "amount" not in explained:
        faults.append(Fault("PC105", (index,)))
    order = {key: i for i, key in enumerate(data)}
    return sorted(faults, key=lambda fault: _order(fault, order))


def _order(fault: Fault, keys: dict[str, int]) -> tuple[object, ...]:
    steps = fault.path[1:] or fault.keys
    first = keys.get(str(steps[0]), -1) if steps else -1
    return (first, *(step for step in fault.path[2:]))


def _at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def _value_rule(path: Path, keywords: set[str], value: Any) -> str:
    if keywords & {"minItems", "minLength"}:
        return "PC109"
    if path[1] == EXCLUDE and isinstance(value, str) and value.lower() in YAML_1_1_BOOLEANS:
        return "PC005"
    if path[1] == EXCLUDE and value is False:
        return "PC108"
    return "PC102" if "type" in keywords else "PC103"


def _unexpected(index: int, data: dict[str, Any], keys: Iterable[str], *, forgive_amounts: bool) -> Iterator[Fault]:
    """Faults for keys that should not be in this sub-config; those of one schedule or conflict are one fault."""
    together: dict[str, list[str]] = {}
    for key in keys:
        rule = _key_rule(key, data)
        if rule in {"PC106", "PC107", "PC603"}:
            together.setdefault(rule, []).append(key)
        else:
            yield Fault(rule, (index,), (key,))
    for rule, several in together.items():
        if rule != "PC106" or not forgive_amounts:
            yield Fault(rule, (index,), tuple(several))


def _key_rule(key: str, data: dict[str, Any]) -> str:
    if key in FOREIGN:
        return FOREIGN[key].rule
    if key not in KEYS:
        return "PC101"
    if EXCLUDE in data:
        return "PC106"
    return "PC111" if key == CAP else "PC107"


def _explained(unexpected: Iterable[str]) -> set[str]:
    """What the unexpected keys were meant to say (`selector`, `amount`), so that it is not reported as missing."""
    meant = set()
    for key in unexpected:
        near = nearest(key, KEYS) if key not in KEYS and key not in FOREIGN else []
        meant.add(group_of(near[0] if near else key))
        if key == CAP or (near and near[0] == CAP):
            meant.add("amount")
    return meant - {None}  # type: ignore[return-value]


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
