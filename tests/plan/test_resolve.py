"""`resolve` against the reference, and what the specification says in so many words."""

import pytest
from hypothesis import given

from pruneconf.config import load
from pruneconf.graph import Layer, ModelGraph
from pruneconf.plan import Plan, resolve
from tests.plan import reference
from tests.plan.strategies import cases


def model(**sizes):
    layers = [Layer(name, "Linear", (size,), "float32", f"{name}.weight") for name, size in sizes.items()]
    return ModelGraph("model.py", "Net", tuple(layers))


@given(cases())
def test_layers(case):
    graph, config = case
    plan = resolve(load(config), graph)
    assert [entry.layer for entry in plan.layers] == list(graph.layers)
    for i, entry in enumerate(plan.layers):
        assert list(plan.selected_by(i)) == reference.selected_by(config, entry.layer)
        assert entry.decided_by == reference.decided_by(config, entry.layer)
        assert (entry.action, entry.masked) == reference.fate(config, entry.layer)


@given(cases())
def test_groups(case):
    graph, config = case
    plan = resolve(load(config), graph)
    shown = [
        (
            group.sub_config,
            [layer.name for layer in group.layers],
            group.numel,
            group.masked,
            [group.max_masked[layer.name] for layer in group.layers],
        )
        for group in plan.groups
    ]
    assert shown == reference.groups(config, graph.layers)
    assert [group.feasible for group in plan.groups] == reference.feasible(config, graph.layers)


@given(cases())
def test_shared_weights(case):
    graph, config = case
    plan = resolve(load(config), graph)
    conflicts = list(plan.conflicts())
    assert bool(conflicts) == reference.disagree(config, graph.layers)
    assert all(one.layer.parameter == other.layer.parameter for one, other in conflicts)
    if not conflicts:
        assert plan.masked == reference.masked(config, graph.layers)


@given(cases())
def test_budgets_say_what_the_layers_say(case):
    graph, config = case
    plan = resolve(load(config), graph)
    if list(plan.conflicts()):
        return
    weights = [layer.parameter for budget in plan.budgets for layer in budget.layers]
    pruned = {entry.layer.parameter for entry in plan.layers if entry.action == "prune"}
    assert len(weights) == len(set(weights))
    assert set(weights) == pruned
    for budget in plan.budgets:
        assert [layer for layer in graph.layers if layer in budget.layers] == list(budget.layers)
        if not config[budget.sub_config].get("total_sparsity"):
            assert budget.count <= sum(budget.max_masked)


@given(cases())
def test_takeovers(case):
    graph, config = case
    plan = resolve(load(config), graph)
    seen = {
        (takeover.earlier, takeover.later, layer.name)
        for takeover in plan.takeovers
        for layer in plan.selection.layers(takeover.layers)
    }
    assert seen == reference.changes_of_hands(config, graph.layers)


def masked(plan: Plan):
    return {entry.layer.name: entry.masked for entry in plan.layers}


def test_the_product_is_exact():
    plan = resolve(load([{"op_types": ["Linear"], "sparsity_per_layer": 0.29}]), model(a=100, b=50))
    assert masked(plan) == {"a": 29, "b": 14}


def test_a_total_is_shared_out_under_its_cap():
    config = [{"op_types": ["Linear"], "total_sparsity": 0.8, "max_sparsity_per_layer": 0.9}]
    (group,) = resolve(load(config), model(layer_1=500, layer_2=1000)).groups
    assert (group.masked, group.max_masked, group.feasible) == (1200, {"layer_1": 450, "layer_2": 900}, True)


def test_layers_that_leave_a_group_are_in_neither_side_of_the_product():
    config = [{"op_types": ["Linear"], "total_sparsity": 0.8}, {"op_names": ["b"], "exclude": True}]
    (group,) = resolve(load(config), model(a=500, b=1000)).groups
    assert (group.numel, group.masked) == (500, 400)


def test_a_cap_below_the_total_is_not_feasible():
    config = [{"op_types": ["Linear"], "total_sparsity": 0.5, "max_sparsity_per_layer": 0.5}]
    (group,) = resolve(load(config), model(a=5, b=5)).groups
    assert not group.feasible


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "b", "a"]])
def test_a_group_holds_shared_weights_once_in_model_order(order):
    layers = [Layer(name, "Linear", (10,), "float32", "x" if name in "ac" else "y") for name in order]
    graph = ModelGraph("model.py", "Net", tuple(layers), shared={"x": ("z",)})
    (group,) = resolve(load([{"op_types": ["Linear"], "total_sparsity": 0.5}]), graph).groups
    assert [layer.name for layer in group.layers] == order[:2]
    plan = resolve(load([{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]), graph)
    assert [budget.layers[0].name for budget in plan.budgets] == order[:2]
