"""Small models and configs that have much in common: names inside names, shared weights, aliases, empty tensors."""

from hypothesis import strategies as st

from pruneconf.graph import Layer, ModelGraph, Module, Weight

SEGMENTS = ["layer1", "layer10", "conv", "conv1", "attn", "0", "1", "10", "fc", "bn", "módulo", "module"]
TYPES = ["Conv2d", "Linear", "BatchNorm2d", "Embedding", "MyConv"]
SHAPES = [(), (0, 3), (1,), (2,), (3,), (2, 5), (4, 4, 3), (10, 10), (1000, 7)]
RATIOS = [0, 0.0, 0.29, 0.3, 0.5, 0.57, 0.999, 1e-05, 0.6818181818181818]
CAPS = [1, 1.0, 0.1, 0.29, 0.5, 0.99, 1e-05]

names = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4).map(".".join)


@st.composite
def graphs(draw):
    unique = draw(st.lists(names, unique=True, max_size=24))
    layers, modules, shared = [], [], {}
    for name in unique:
        kind = draw(st.sampled_from(["layer"] * 8 + ["alias", "module"]))
        if kind == "module" or (kind == "alias" and not layers):
            modules.append(
                Module(name, draw(st.sampled_from(["ReLU", "Sequential", "LSTM"])), draw(st.sampled_from(Weight)))
            )
        elif kind == "alias":
            i = draw(st.integers(0, len(layers) - 1))
            layers[i] = with_alias(layers[i], name)
        elif layers and draw(st.integers(0, 5)) == 0:
            other = draw(st.sampled_from(layers))
            shared[other.parameter] = (*shared.get(other.parameter, ()), f"{name}.weight")
            layers.append(Layer(name, draw(st.sampled_from(TYPES)), other.shape, other.dtype, other.parameter))
        else:
            shape = draw(st.sampled_from(SHAPES))
            layers.append(Layer(name, draw(st.sampled_from(TYPES)), shape, "float32", f"{name}.weight"))
    modules = [with_children(module, layers) for module in modules]
    return ModelGraph("model.py", "Net", tuple(layers), tuple(modules), shared)


def with_alias(layer, name):
    return Layer(layer.name, layer.type, layer.shape, layer.dtype, layer.parameter, (*layer.aliases, name))


def with_children(module, layers):
    below = sum(layer.name.startswith(f"{module.name}.") for layer in layers)
    return Module(module.name, module.type, module.weight, below)


def parts(graph):
    """Parts of names, as people write them: whole names, their beginnings and ends, and what is none of them."""
    known = [layer.name for layer in graph.layers] + [module.name for module in graph.modules] or ["conv1"]
    cut = st.sampled_from(known).flatmap(lambda name: st.integers(1, len(name)).map(lambda end: name[:end]))
    return st.one_of(
        cut, st.sampled_from([*SEGMENTS, ".", "1.", "layer1.*"]), st.sampled_from(known).map(lambda n: f"{n}.")
    )


def known_names(graph):
    known = [name for layer in graph.layers for name in (layer.name, *layer.aliases)] or ["conv1"]
    others = [module.name for module in graph.modules]
    wrapped = [f"module.{name}" for name in known[:3]] + [f"{name}.weight" for name in known[:3]]
    return st.sampled_from([*known, *known, *known, *others, *wrapped, "conv9", "Conv2d"])


@st.composite
def sub_configs(draw, graph):
    selectors = {
        "op_types": st.lists(st.sampled_from([*TYPES, "default", "conv2d", "ReLU"]), min_size=1, max_size=3),
        "op_names": st.lists(known_names(graph), min_size=1, max_size=5),
        "op_partial_names": st.lists(parts(graph), min_size=1, max_size=3),
    }
    keys = draw(st.sets(st.sampled_from(sorted(selectors)), min_size=1))
    sub_config = {key: draw(selectors[key]) for key in sorted(keys)}
    amount = draw(st.sampled_from(["exclude", "sparsity_per_layer", "total_sparsity", "total_sparsity", "sparsity"]))
    sub_config[amount] = True if amount == "exclude" else draw(st.sampled_from(RATIOS))
    if amount == "total_sparsity" and draw(st.booleans()):
        sub_config["max_sparsity_per_layer"] = draw(st.sampled_from(CAPS))
    return sub_config


@st.composite
def cases(draw):
    """A model and a valid config for it, as plain data."""
    graph = draw(graphs())
    return graph, draw(st.lists(sub_configs(graph), max_size=6))
