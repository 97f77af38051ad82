"""A model graph from the few lines that describe a model in the documentation of a rule.

One module a line. `conv1 Conv2d 16x3x3x3` is a layer; `conv2 MyConv(Conv2d) 16x16x3x3` one of a derived class. Behind
the shape may stand the dtype (`bfloat16`), `output` where a model output comes from it, `never-called` where the forward
pass does not run it, ` = conv0.weight` where it shares that parameter, and ` aka stem` where it has another name. A dash for
the shape makes it a module that is no layer: `layer1 Sequential -`, or with the reason `norm LSTM - computed`. A parameter that
is no layer's weight ends in `unreachable`: `attn.in_proj_weight MultiheadAttention 192x64 unreachable`.

Output channels that hang together have a line of their own, with what is known of them behind it:

    coupled conv1, conv2 by add at model.py:31; group-norm in 8 groups of norm; 4 a unit; pinned by input

A source that has changed since has one too: `changed model.py`.
"""

import re
from math import prod

from pruneconf.graph import (
    Coupling,
    Join,
    Layer,
    Limit,
    Member,
    ModelGraph,
    Module,
    Origin,
    Parameter,
    Pin,
    Side,
    Weight,
)
from pruneconf.plan import channel_axis

LINE = re.compile(
    r"(?P<name>\S+) +(?P<type>\w+)(?:\((?P<bases>[\w, ]+)\))? +(?P<shape>-|\d+(?:x\d+)*)"
    r"(?P<words>(?: +[a-z][\w-]*(?<!\baka))*)(?: += +(?P<parameter>\S+))?(?P<aliases>(?: +aka +\S+)*)"
)
COUPLED = re.compile(r"coupled (?P<makers>[^;]*?)(?: by (?P<op>[^;]*?)(?: at (?P<place>[^;]*))?)?(?P<more>;.*)?")
MORE = {
    "limits": re.compile(r"(\S+) in (\d+) groups of (\S+)"),
    "units": re.compile(r"(\d+) a unit"),
    "pins": re.compile(r"pinned by (\S+)(?: (\S+))?"),
}
WORDS = {"output", "never-called", "unreachable"}


def graph_of(text, origin=Origin.OPERATORS):
    """The model graph of a layers block."""
    texts = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [_line(line) for line in texts if not line.startswith(("coupled ", "changed "))]
    layers = tuple(_layer(line) for line in lines if line["shape"] != "-" and "unreachable" not in line["words"])
    unreachable = tuple(
        Parameter(line["name"], _shape(line), line["type"]) for line in lines if "unreachable" in line["words"]
    )
    shared = {}
    for layer in layers:
        if layer.parameter != f"{layer.name}.weight":
            shared[layer.parameter] = (*shared.get(layer.parameter, ()), f"{layer.name}.weight")
    axes = {layer.name: _out_axis(layer) for layer in layers} | {each.name: (0, each.shape[0]) for each in unreachable}
    return ModelGraph(
        source="model.py",
        type="Model",
        layers=layers,
        modules=tuple(_module(line, layers) for line in lines if line["shape"] == "-"),
        shared=shared,
        parameters=sum({layer.parameter: layer.numel for layer in layers}.values())
        + sum(prod(parameter.shape) for parameter in unreachable),
        origin=origin,
        couplings=tuple(_coupling(line, axes) for line in texts if line.startswith("coupled ")),
        unreachable=unreachable,
        changed=tuple(line.removeprefix("changed ") for line in texts if line.startswith("changed ")),
    )


def _line(line):
    match = LINE.fullmatch(line)
    assert match, f"not a line of a layers block: {line!r}"
    return match


def _shape(line):
    return tuple(int(size) for size in line["shape"].split("x"))


def _layer(line):
    words = line["words"].split()
    return Layer(
        line["name"],
        line["type"],
        _shape(line),
        next((word for word in words if word not in WORDS), "float32"),
        line["parameter"] or f"{line['name']}.weight",
        _aliases(line),
        tuple(re.findall(r"\w+", line["bases"] or "")),
        calls=0 if "never-called" in words else None,
        output="output" in words,
    )


def _module(line, layers):
    inside = sum(layer.name.startswith(line["name"] + ".") for layer in layers)
    return Module(line["name"], line["type"], Weight(line["words"].strip() or "none"), inside, _aliases(line))


def _aliases(line):
    return tuple(re.findall(r"aka +(\S+)", line["aliases"]))


def _coupling(line, axes):
    match = COUPLED.fullmatch(line)
    assert match, f"not a line of a layers block: {line!r}"
    more = {
        key: [found for part in (match["more"] or "").split(";") for found in form.findall(part)]
        for key, form in MORE.items()
    }
    repeat = int(more["units"][0]) if more["units"] else 1
    names = [name.strip() for name in match["makers"].split(",")]
    units = axes[names[0]][1] // repeat
    return Coupling(
        units,
        tuple(_member(name, *axes[name], units) for name in names),
        (Join(match["op"], match["place"] or ""),) if match["op"] else (),
        tuple(Limit(kind, int(groups), module) for kind, groups, module in more["limits"]),
        tuple(Pin(kind, name) for kind, name in more["pins"]),
    )


def _out_axis(layer):
    """The axis of the output channels, and their number; an embedding makes channels too, that no pruner masks."""
    axis = channel_axis(layer)
    if axis is None:
        axis = len(layer.shape) - 1
    return axis, layer.shape[axis]


def _member(name, axis, size, units):
    return Member(name, Side.OUT, axis, size, 0, size // units, size // units)
