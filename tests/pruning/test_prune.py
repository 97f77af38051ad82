"""`prune`, from a config to masks in a model."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strict_device import NAME, STRICT
from tied import Tied, plan_of
from torch import nn

import pruneconf
from pruneconf import PruneconfError
from pruneconf.pruning import unpack, verify

anywhere = pytest.mark.parametrize("place", ["cpu", NAME])
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2fnuz]


@st.composite
def models(draw):
    """A few Linear layers of random sizes and dtypes with many ties, zeros and negative zeros."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    model = nn.Sequential()
    for _ in range(draw(st.integers(1, 4))):
        shape = draw(st.integers(1, 9)), draw(st.integers(1, 9))
        layer = nn.Linear(*shape).requires_grad_(requires_grad=False).to(draw(st.sampled_from(DTYPES)))
        values = (torch.randn(shape[::-1], generator=generator) * draw(st.sampled_from([2, 8]))).round() / 8
        layer.weight.data.copy_(values)
        model.append(layer)
    return model


ratios = st.integers(0, 99).map(lambda percent: percent / 100)


@st.composite
def configs(draw):
    first = {"op_types": ["Linear"]} | draw(
        st.one_of(
            st.fixed_dictionaries({"sparsity_per_layer": ratios}),
            st.fixed_dictionaries({"total_sparsity": ratios}),
            ratios.map(lambda s: {"total_sparsity": s / 2, "max_sparsity_per_layer": 0.75}),
        )
    )
    last = draw(st.sampled_from([{"exclude": True}, {"sparsity_per_layer": 0.5}, {"total_sparsity": 0.29}]))
    return [first, {"op_names": ["0"]} | last]


def expected(model, plan):
    """The set of masked elements, by the words of the semantics: the lowest first, ties by layer and flat index."""
    masked = set()
    for budget in plan.budgets:
        order = sorted(
            (abs(value), i, j)
            for i, layer in enumerate(budget.layers)
            for j, value in enumerate(model.get_parameter(layer.parameter).double().flatten().tolist())
        )
        taken = [0] * len(budget.layers)
        for _, i, j in order:
            if sum(taken) < budget.count and taken[i] < budget.max_masked[i]:
                taken[i] += 1
                masked.add((budget.layers[i].parameter, j))
        assert sum(taken) == budget.count
    return masked


def bits(tensor):
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).reshape(-1, tensor.element_size())


@given(models(), configs(), st.booleans())
@settings(deadline=None)
def test_masks_what_the_semantics_say_and_touches_nothing_else(model, config, device):
    plan = plan_of(model, config)
    check_masks(model.to(STRICT) if device else model, plan)


def check_masks(model, plan):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if not all(group.feasible for group in plan.groups):
        with pytest.raises(PruneconfError, match="its caps leave room for"):
            pruneconf.prune(model, plan)
        return
    wanted = expected(model, plan)
    masks = pruneconf.prune(model, plan)
    assert all(mask.device == model.get_parameter(name).device for name, mask in masks.items())
    masks = {name: mask.cpu() for name, mask in masks.items()}
    found = {(name, j) for name, mask in masks.items() for j in torch.nonzero(~mask.flatten()).flatten().tolist()}
    assert found == wanted
    for name, tensor in model.state_dict().items():
        keep = masks.get(name, torch.ones(tensor.shape, dtype=torch.bool)).reshape(-1, 1)
        assert torch.equal(bits(tensor), torch.where(keep, bits(before[name]), 0))


@anywhere
def test_packed_masks_are_the_same_masks(model, plan):
    twin = copy.deepcopy(model)
    masks = pruneconf.prune(model, plan)
    packed = pruneconf.prune(twin, plan, masks="packed")
    assert list(packed) == list(masks) == ["embed.weight", "hidden.weight", "narrow.weight"]
    for name, mask in masks.items():
        assert packed[name].dtype == torch.uint8
        assert packed[name].device == mask.device
        assert torch.equal(unpack(packed[name], mask.shape), mask.cpu())
    assert pruneconf.prune(twin, plan, masks="none") == {}
    assert all(map(torch.equal, twin.state_dict().values(), model.state_dict().values()))


@anywhere
def test_a_shared_weight_is_masked_once(model, plan):
    masks = pruneconf.prune(model, plan)
    assert model.head.weight is model.embed.weight
    assert int((~masks["embed.weight"]).sum()) == 27  # floor(0.29 * 96), and floor(0.29 * 100) would be 29, not 28
    assert torch.equal(model.head.weight == 0, ~masks["embed.weight"])


def test_a_kept_zero_is_kept():
    model = nn.Sequential(nn.Linear(4, 1, bias=False))
    model[0].weight.data.zero_()
    masks = pruneconf.prune(model, plan_of(model, [{"op_types": ["Linear"], "sparsity_per_layer": 0.5}]))
    assert masks["0.weight"].tolist() == [[False, False, True, True]]


@anywhere
def test_weights_that_are_not_contiguous_keep_their_strides(place):
    model = nn.Sequential(nn.Linear(3, 2, bias=False))
    plan = plan_of(model, [{"op_types": ["Linear"], "sparsity_per_layer": 0.4}])
    model[0].weight = nn.Parameter(torch.tensor([[3.0, 1.0], [1.0, -2.0], [5.0, 1.0]], device=place).t())
    masks = pruneconf.prune(model, plan)
    assert model[0].weight.stride() == (1, 2)
    assert model[0].weight.tolist() == [[3, 0, 5], [0, -2, 1]]
    assert masks["0.weight"].tolist() == [[True, False, True], [False, True, True]]


def test_a_weight_without_dimensions():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(-2.0))

    model = nn.Sequential(Scale(), Scale())
    model[1].weight.data.fill_(-1)
    masks = pruneconf.prune(model, plan_of(model, [{"op_types": ["Scale"], "total_sparsity": 0.5}]))
    assert {name: mask.tolist() for name, mask in masks.items()} == {"0.weight": True, "1.weight": False}
    assert (model[0].weight.item(), model[1].weight.item()) == (-2, 0)


@anywhere
def test_autograd_notices_the_change(model, plan, place):
    output = model(torch.tensor([1, 2], device=place)).sum()
    pruneconf.prune(model, plan)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.backward()


def meta(model):
    model.to("meta")


def renamed(model):
    model.inner, model.hidden = model.hidden, None


def reshaped(model):
    model.hidden = nn.Linear(3, 8)
    model.narrow = nn.Linear(3, 8)


def complex_numbers(model):
    model.narrow.weight = nn.Parameter(model.narrow.weight.to(torch.complex64), requires_grad=False)


def nan(model):
    model.narrow.weight.data[0, :3] = float("nan")


def expanded(model):
    model.hidden.weight = nn.Parameter(torch.ones(1, 8).expand(8, 8))


@pytest.mark.parametrize(
    "damage", [meta, renamed, reshaped, complex_numbers, nan, expanded], ids=lambda damage: damage.__name__
)
def test_refusals_leave_the_model_alone(model, plan, damage, snapshot):
    damage(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(PruneconfError) as caught:
        pruneconf.prune(model, plan)
    assert str(caught.value) == snapshot
    assert all(
        tensor.is_meta or torch.equal(bits(tensor), bits(before[name])) for name, tensor in model.state_dict().items()
    )


def test_nan_on_a_device_leaves_the_model_alone(plan):
    model = Tied()
    nan(model)
    model.to(STRICT)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(PruneconfError, match=r"`narrow` has 3 NaN among its 64 weights"):
        pruneconf.prune(model, plan)
    assert all(torch.equal(bits(tensor), bits(before[name])) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("pruner", ["l1", "l2", "fpgm", "random"])
def test_channels_on_a_device(pruner):
    model = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Conv2d(6, 5, 3))
    plan = plan_of(model, [{"op_types": ["Conv2d"], "sparsity_per_layer": 0.4}])
    there = copy.deepcopy(model).to(STRICT)
    wanted, found = (pruneconf.prune(each, plan, pruner) for each in (model, there))
    assert list(found) == list(wanted)
    assert all(found[name].device == STRICT and torch.equal(found[name].cpu(), wanted[name]) for name in wanted)
    for name, tensor in there.state_dict().items():
        assert torch.equal(bits(tensor), bits(model.state_dict()[name]))


@anywhere
def test_what_was_pruned_on_a_device_can_be_saved(model, plan, tmp_path):
    masks = pruneconf.prune(model, plan)
    pruneconf.save(model, masks, tmp_path / "out")
    assert verify(plan, tmp_path / "out").ok


def test_refusals_of_the_call(model, plan, snapshot):
    with pytest.raises(PruneconfError) as caught:
        pruneconf.prune(model, plan, pruner="levle")
    assert str(caught.value) == snapshot
    with pytest.raises(PruneconfError) as caught:
        pruneconf.prune(model, plan, masks="bits")
    assert str(caught.value) == snapshot


def test_refusals_of_the_plan(model, snapshot):
    torn = plan_of(model, [{"op_names": ["embed"], "sparsity_per_layer": 0.5}, {"op_names": ["head"], "exclude": True}])
    with pytest.raises(PruneconfError) as caught:
        pruneconf.prune(model, torn)
    assert str(caught.value) == snapshot


WRAPPED = {
    "DataParallel": nn.DataParallel,
    "torch.compile": lambda model: torch.compile(model, backend="eager"),
    "both": lambda model: nn.DataParallel(torch.compile(model, backend="eager")),
}


class Adapted(nn.Module):
    """As PEFT wraps a model: `base_model.model.` before the names, `base_layer.` in those of layers with an adapter."""

    def __init__(self, model):
        super().__init__()
        self.base_model = nn.Module()
        self.base_model.model = model
        for name, layer in list(model.named_children()):
            if isinstance(layer, nn.Linear):
                adapter = nn.Module()
                adapter.base_layer, adapter.lora_A = layer, nn.Linear(1, 1)
                setattr(model, name, adapter)


WRAPPED["PEFT"] = Adapted


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_a_plan_for_the_model_inside_fits_the_wrapped_one(model, plan, wrap, tmp_path):
    expected = pruneconf.prune(copy.deepcopy(model), plan)
    wrapped = wrap(model)
    masks = pruneconf.prune(wrapped, plan)
    assert masks.keys() == expected.keys()
    assert all(torch.equal(masks[name], expected[name]) for name in masks)
    handle = pruneconf.attach(wrapped, masks)
    pruneconf.save(wrapped, masks, tmp_path / "out")
    assert verify(plan, tmp_path / "out").ok
    handle.remove()


def test_a_plan_for_a_wrapped_model_fits_the_one_inside(model):
    config = [{"op_names": ["module.hidden"], "sparsity_per_layer": 0.5}]
    plan = plan_of(nn.DataParallel(model), config)
    assert list(pruneconf.prune(model, plan)) == ["module.hidden.weight"]


def test_two_weights_that_wrappers_make_alike_are_not_mixed_up(model, plan):
    both = nn.ModuleDict({"module": model, "base_layer": copy.deepcopy(model)})
    with pytest.raises(PruneconfError, match=r"the model lacks `embed\.weight`"):
        pruneconf.prune(both, plan)
