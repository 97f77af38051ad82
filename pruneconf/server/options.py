"""What an editor may set: the `initializationOptions` of the protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pruneconf.errors import PruneconfError

_CHOICES = {"trace": ("never", "ask", "auto"), "schemaFeatures": ("auto", "on", "off")}


class Options(NamedTuple):
    """The wishes of the user.

    `trace` says when the code of a model may be run to get its graph: `never`, `ask` or `auto`; an untrusted workspace
    is as good as `never`. `python` is the interpreter for that. `model` stands for the one of the settings.
    `schema_features` says who reports and completes what a JSON Schema knows: this server (`on`), another (`off`), or
    another where a schema is attached (`auto`). `debounce` is in seconds.
    """

    trace: str = "ask"
    trusted: bool = True
    python: str | None = None
    model: str | None = None
    schema_features: str = "auto"
    debounce: float = 0.1

    @property
    def may_trace(self) -> bool:
        """Whether the code of a model may be run at all."""
        return self.trusted and self.trace != "never"


def options_of(given: Any) -> Options:
    """The options that an editor sent. Raises PruneconfError, naming it, for one that is not what it should be."""
    if given is None:
        return Options()
    if not isinstance(given, dict):
        raise PruneconfError('the options of the server must be an object, such as `{"trace": "ask"}`')
    for wrong in _wrong(given):
        raise PruneconfError(wrong)
    return Options(
        trace=given.get("trace", "ask"),
        trusted=not given.get("untrustedWorkspace", False),
        python=given.get("python"),
        model=given.get("model"),
        schema_features=given.get("schemaFeatures", "auto"),
        debounce=given.get("debounce", 100) / 1000,
    )


def _wrong(given: dict[str, Any]) -> Iterator[str]:
    known = {*_CHOICES, "untrustedWorkspace", "python", "model", "debounce"}
    for name, value in given.items():
        if name not in known:
            listed = ", ".join(f"`{each}`" for each in sorted(known))
            yield f"the server has no option `{name}`, its options are {listed}"
        elif name in _CHOICES and value not in _CHOICES[name]:
            wanted = ", ".join(f"`{each}`" for each in _CHOICES[name])
            yield f"the option `{name}` of the server is `{value}`: write one of {wanted}"
        elif name in {"python", "model"} and not isinstance(value, str | None):
            yield f"the option `{name}` of the server must be a text, the path of the {name}"
        elif name == "untrustedWorkspace" and not isinstance(value, bool):
            yield f"the option `{name}` of the server must be `true` or `false`"
        elif name == "debounce" and (type(value) not in {int, float} or not value >= 0):
            yield f"the option `{name}` of the server must be a number of milliseconds"
