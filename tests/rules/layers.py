"""A model graph from the few lines that describe a model in the documentation of a rule.

One module a line. `conv1 Conv2d 16x3x3x3` is a layer; behind it may stand the dtype (`bfloat16`), ` = conv0.weight` where it
shares that parameter, and ` aka stem` where it has another name (both may be given, each once or more). A dash for the shape makes
it a module that is no layer: `layer1 Sequential -`, or with the reason `norm LSTM - computed`.
"""

import re

from pruneconf.graph import Layer, ModelGraph, Module, Weight

LINE = re.compile(
    r"(?P<name>\S+) +(?P<type>\S+) +(?P<shape>-|\d+(?:x\d+)*)(?: +(?P<word>[a-z][\w-]*(?<!\baka)))?"
    r"(?: += +(?P<parameter>\S+))?(?P<aliases>(?: +aka +\S+)*)"
)


def graph_of(text):
    """The model graph of a layers block."""
    lines = [_line(line) for line in text.splitlines() if line.strip()]
    layers = tuple(_layer(line) for line in lines if line["shape"] != "-")
    shared = {}
    for layer in layers:
        if layer.parameter != f"{layer.name}.weight":
            shared[layer.parameter] = (*shared.get(layer.parameter, ()), f"{layer.name}.weight")
    return ModelGraph(
        source="model.py",
        type="Model",
        layers=layers,
        modules=tuple(_module(line, layers) for line in lines if line["shape"] == "-"),
        shared=shared,
        parameters=sum({layer.parameter: layer.numel for layer in layers}.values()),
    )


def _line(line):
    match = LINE.fullmatch(line.strip())
    assert match, f"not a line of a layers block: {line!r}"
    return match


def _layer(line):
    return Layer(
        line["name"],
        line["type"],
        tuple(int(size) for size in line["shape"].split("x")),
        line["word"] or "float32",
        line["parameter"] or f"{line['name']}.weight",
        _aliases(line),
    )


def _module(line, layers):
    inside = sum(layer.name.startswith(line["name"] + ".") for layer in layers)
    return Module(line["name"], line["type"], Weight(line["word"] or "none"), inside, _aliases(line))


def _aliases(line):
    return tuple(re.findall(r"aka +(\S+)", line["aliases"]))
